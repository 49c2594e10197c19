namespace Checkpointer.Workloads.Heap;

/// <summary>Objects of many sizes, each with a checksum of its content, replaced by several threads and checked by one.</summary>
internal sealed class CheckedHeap
{
    private const int Cells = 4096;
    private readonly Cell[] _cells = new Cell[Cells];
    private readonly int _largest;
    private long _checks;
    private long _errors;
    private int _next;

    internal CheckedHeap(int mebibytes)
    {
        _largest = Math.Max(1024, (int)(2L * mebibytes * (1 << 20) / Cells));
        var random = new Random(1);
        for (var i = 0; i < Cells; i++)
        {
            _cells[i] = Cell.Make(random, _largest);
        }
    }

    internal long Checks => Interlocked.Read(ref _checks);

    internal long Errors => Interlocked.Read(ref _errors);

    /// <summary>Replaces cells until told to stop: garbage of all generations and the large object heap.</summary>
    internal void Churn(int seed, ManualResetEventSlim stop)
    {
        var random = new Random(seed);
        while (!stop.Wait(5))
        {
            for (var i = 0; i < 4; i++)
            {
                Volatile.Write(ref _cells[random.Next(Cells)], Cell.Make(random, _largest));
            }
        }
    }

    internal void CheckSome()
    {
        for (var i = 0; i < Cells / 16; i++)
        {
            Interlocked.Increment(ref _checks);
            if (!Volatile.Read(ref _cells[_next]).IsWhole())
            {
                Interlocked.Increment(ref _errors);
            }

            _next = (_next + 1) % Cells;
        }
    }

    private sealed record Cell(byte[] Content, ulong Sum)
    {
        internal static Cell Make(Random random, int largest)
        {
            var content = new byte[random.Next(16, largest)];
            random.NextBytes(content);
            return new Cell(content, SumOf(content));
        }

        internal bool IsWhole() => SumOf(Content) == Sum;

        private static ulong SumOf(byte[] content)
        {
            var sum = 14695981039346656037;
            foreach (var word in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(content))
            {
                sum = (sum ^ word) * 1099511628211;
            }

            return sum;
        }
    }
}
