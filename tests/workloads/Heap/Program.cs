namespace Checkpointer.Workloads.Heap;

/// <summary>
/// A .NET program that notices when it is hurt: threads, a timer, a heap whose objects carry their own checksums and which
/// is churned and collected, and a file that is counted in. <c>Heap DIR [MIB]</c>; DIR/status is one line of fixed length:
/// <c>count=N checks=N errors=N ticks=N collections=N</c>. SIGTERM ends it with code 42.
/// </summary>
internal static class Program
{
    private const int StatusLength = 128;
    private const int StopCode = 42;

    private static int Main(string[] arguments)
    {
        var directory = arguments[0];
        var mebibytes = arguments.Length > 1 ? int.Parse(arguments[1], System.Globalization.CultureInfo.InvariantCulture) : 64;
        using var stop = new ManualResetEventSlim();
        using var registration = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM,
            context =>
            {
                context.Cancel = true;
                stop.Set();
            });
        var heap = new CheckedHeap(mebibytes);
        long ticks = 0;
        using var timer = new Timer(_ => Interlocked.Increment(ref ticks), null, 100, 100);
        var churners = Enumerable.Range(0, 2).Select(seed => new Thread(() => heap.Churn(seed, stop)) { IsBackground = true }).ToList();
        churners.ForEach(thread => thread.Start());

        using var status = File.OpenHandle(
            Path.Combine(directory, "status"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        long count = 0;
        while (!stop.Wait(50))
        {
            count++;
            heap.CheckSome();
            var line = $"count={count} checks={heap.Checks} errors={heap.Errors} ticks={Interlocked.Read(ref ticks)} collections={GC.CollectionCount(0)}";
            RandomAccess.Write(status, System.Text.Encoding.ASCII.GetBytes(line.PadRight(StatusLength - 1) + "\n"), 0);
        }

        return StopCode;
    }
}
