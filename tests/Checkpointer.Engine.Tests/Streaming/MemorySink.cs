using System.Collections.Concurrent;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>A store in memory that may be slow, full or broken, and keeps account of the pool.</summary>
internal sealed class MemorySink : ICaptureSink
{
    private readonly TaskCompletionSource _failure = new();
    private readonly BlockingCollection<(MemoryFile File, Block Block)> _queue = [];
    private readonly Thread _worker;
    private int _pending;

    public MemorySink(BlockPool pool)
    {
        Pool = pool;
        _worker = new Thread(Work) { IsBackground = true };
        _worker.Start();
    }

    public BlockPool Pool { get; }

    public ConcurrentDictionary<string, MemoryFile> Files { get; } = new();

    /// <summary>Keep no bytes: for measurements.</summary>
    public bool Discard { get; init; }

    /// <summary>Time to store a block.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Closed: nothing is stored until it opens.</summary>
    public ManualResetEventSlim Gate { get; } = new(true);

    /// <summary>Blocks out of the pool at once, at most.</summary>
    public int MostRented { get; private set; }

    public Task Failure => _failure.Task;

    public void Fail(Exception error) => _failure.TrySetException(error);

    public byte[] Content(string name)
    {
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _pending) == 0, TimeSpan.FromSeconds(60)));
        Assert.True(Files[name].Completed, $"{name} was not completed");
        return Files[name].Bytes.ToArray();
    }

    public ICaptureSinkFile OpenFile(string name, FileKind kind)
    {
        MemoryFile file = new(this, kind);
        Assert.True(Files.TryAdd(name, file));
        return file;
    }

    private void Work()
    {
        foreach ((MemoryFile file, Block block) in _queue.GetConsumingEnumerable())
        {
            Gate.Wait();
            Thread.Sleep(Delay);
            file.Store(block.Filled);
            block.Dispose();
            Interlocked.Decrement(ref _pending);
        }
    }

    internal sealed class MemoryFile(MemorySink sink, FileKind kind) : ICaptureSinkFile
    {
        public FileKind Kind => kind;

        public MemoryStream Bytes { get; } = new();

        public bool Completed { get; private set; }

        public int Blocks { get; private set; }

        public void Append(Block block)
        {
            Check();
            Assert.InRange(block.Length, 1, BlockPool.BlockSize);
            Blocks++;
            sink.MostRented = Math.Max(sink.MostRented, sink.Pool.Count - sink.Pool.Free);
            Interlocked.Increment(ref sink._pending);
            sink._queue.Add((this, block));
        }

        public void Write(ReadOnlySpan<byte> data)
        {
            Check();
            Assert.Equal(0, Blocks); // order between copies and blocks is the repository's business, not this fake's
            Store(data);
        }

        public void Complete()
        {
            Assert.False(Completed);
            Completed = true;
        }

        public void Store(ReadOnlySpan<byte> data)
        {
            if (!sink.Discard)
            {
                Bytes.Write(data);
            }
        }

        private void Check()
        {
            if (sink._failure.Task.IsFaulted)
            {
                throw sink._failure.Task.Exception.InnerException!;
            }
            Assert.False(Completed);
        }
    }
}
