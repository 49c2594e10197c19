using System.Collections.Concurrent;
using Checkpointer.Engine.Streaming;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>An image in memory: chunks of uneven sizes, zero runs elided, with damage and slowness on request.</summary>
internal sealed class MemoryImage : IImageSource
{
    private readonly Dictionary<string, (byte[] Content, long Zeroes)> _files = [];
    private readonly List<SnapshotFile> _list = [];

    public IReadOnlyList<SnapshotFile> Files => _list;

    /// <summary>Every decode takes this long.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>The decode that covers this byte of this file fails.</summary>
    public (string Name, long Offset)? Damaged { get; set; }

    /// <summary>The damage is found at once, even while nothing is decoded.</summary>
    public bool DamagedPassesGate { get; set; }

    /// <summary>Nothing is decoded until it opens.</summary>
    public AsyncGate Gate { get; } = new();

    /// <summary>Opens the gate as soon as so many decodes wait at it.</summary>
    public int GateOpensAt { get; init; } = int.MaxValue;

    public int MostDecodes { get; private set; }

    private int _decodes;

    /// <summary>The content, followed by zeroes that are stored nowhere.</summary>
    public void Add(string name, byte[] content, long zeroes = 0)
    {
        _files.Add(name, (content, zeroes));
        FileKind kind = name.StartsWith("pages-", StringComparison.Ordinal) ? FileKind.Pages : FileKind.Bytes;
        _list.Add(new SnapshotFile(name, kind, content.Length + zeroes));
    }

    public long AheadBytes { get; set; } = 8 << 20;

    public int WantedBuffers { get; init; }

    /// <summary>The runs that were asked for, in that order.</summary>
    public ConcurrentQueue<(string Name, long Offset, int Length)> Asked { get; } = new();

    public IReadOnlyList<Memory<byte>> Lent { get; private set; } = [];

    public Task LoadHeadsAsync(IEnumerable<string> names, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task[] Decode(IReadOnlyList<ImageTarget> targets, int groups, CancellationToken cancellationToken)
    {
        List<Task>[] parts = [.. Enumerable.Range(0, groups).Select(static _ => new List<Task>())];
        CancellationTokenSource together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        foreach (ImageTarget target in targets)
        {
            parts[target.Group].Add(TogetherAsync(((Cursor)target.File).DecodeAsync(target.Run, target.Destination, together.Token)));
        }

        async Task TogetherAsync(Task part)
        {
            try
            {
                await part;
            }
            catch (RepositoryException)
            {
                await together.CancelAsync();
                throw;
            }
        }
        return [.. parts.Select(Task.WhenAll)];
    }

    public void Lend(IEnumerable<Memory<byte>> buffers) => Lent = [.. buffers];

    public Task TakeBackAsync() => Task.CompletedTask;

    public IImageFile Open(string name) => new Cursor(this, name, _files[name].Content, _files[name].Zeroes);

    private void Enter()
    {
        lock (_list)
        {
            MostDecodes = Math.Max(MostDecodes, Interlocked.Increment(ref _decodes));
            if (MostDecodes >= GateOpensAt)
            {
                Gate.Set();
            }
        }
    }

    private sealed class Cursor(MemoryImage image, string name, byte[] content, long zeroes) : IImageFile
    {
        private long _position;
        private int _using;

        public ValueTask<ImageRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken)
        {
            Assert.True(maxRawBytes >= FileReader.MaxChunk);
            cancellationToken.ThrowIfCancellationRequested();
            Assert.Equal(0, Interlocked.Exchange(ref _using, 1)); // one user
            ImageRun? run = Next(maxRawBytes);
            _position += run?.RawLength ?? 0;
            Volatile.Write(ref _using, 0);
            return new ValueTask<ImageRun?>(run);
        }

        public Task DecodeAsync(ImageRun run, Memory<byte> destination, CancellationToken cancellationToken)
        {
            Assert.False(run.IsZero);
            Assert.True(destination.Length >= run.RawLength);
            image.Asked.Enqueue((name, run.Offset, run.RawLength));
            return Task.Run(
                async () =>
                {
                    image.Enter();
                    if (!(image.DamagedPassesGate && IsDamaged(run)))
                    {
                        await image.Gate.WaitAsync(cancellationToken);
                    }
                    Decode(run, destination.Span);
                },
                cancellationToken);
        }

        public void Dispose()
        {
            Assert.Equal(0, _using);
            _using = 1;
        }

        private void Decode(ImageRun run, Span<byte> destination)
        {
            if (image.Delay > TimeSpan.Zero)
            {
                Thread.Sleep(image.Delay);
            }
            Interlocked.Decrement(ref image._decodes);
            if (IsDamaged(run))
            {
                throw new RepositoryException("repository-damaged", $"Pack packs/ab/abcd does not authenticate ({name}).");
            }
            content.AsSpan((int)run.Offset, run.RawLength).CopyTo(destination);
        }

        private bool IsDamaged(ImageRun run) =>
            image.Damaged is { } damaged && damaged.Name == name && damaged.Offset >= run.Offset && damaged.Offset < run.Offset + run.RawLength;

        private ImageRun? Next(int most)
        {
            if (_position >= content.Length)
            {
                long left = content.Length + zeroes - _position;
                return left == 0 ? null : new ImageRun(_position, (int)Math.Min(left, 1 << 30), true, null);
            }
            int page = (int)_position;
            int zero = ZeroBytes(page);
            if (zero > 0)
            {
                return new ImageRun(_position, zero, true, null);
            }
            int end = page;
            while (end < content.Length && end - page + 4096 <= most && ZeroBytes(end) == 0)
            {
                end = Math.Min(end + 4096, content.Length);
            }
            return new ImageRun(_position, end - page, false, null);
        }

        private int ZeroBytes(int start)
        {
            int end = start;
            while (end < content.Length && !content.AsSpan(end, Math.Min(4096, content.Length - end)).ContainsAnyExcept((byte)0))
            {
                end = Math.Min(end + 4096, content.Length);
            }
            return end - start;
        }
    }

    /// <summary>Open at first; whoever waits holds no thread.</summary>
    internal sealed class AsyncGate
    {
        private volatile TaskCompletionSource _open = Opened();

        public void Reset() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Set() => _open.TrySetResult();

        public Task WaitAsync(CancellationToken cancellationToken) => _open.Task.WaitAsync(cancellationToken);

        private static TaskCompletionSource Opened()
        {
            TaskCompletionSource open = new();
            open.SetResult();
            return open;
        }
    }
}
