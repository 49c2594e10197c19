using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>The counters of one capture: written by the capture's thread, read by any.</summary>
internal sealed class CaptureMeter(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<FileMeter> _files = [];
    private long _start;
    private long _firstPage;
    private long _completed;
    private long _bytes;
    private long _pageBytes;
    private int _closed;
    private long _lastProgress = time.GetTimestamp();
    private long _waited;
    private long _waitingSince;

    public long LastProgress => Volatile.Read(ref _lastProgress);

    public long Bytes => Volatile.Read(ref _bytes);

    public FileMeter Opened(string name, FileKind kind)
    {
        long now = Touch();
        lock (_gate)
        {
            _start = _start == 0 ? now : _start;
            FileMeter file = new(name, kind, now);
            _files.Add(file);
            return file;
        }
    }

    public void Read(FileMeter file, int bytes)
    {
        long now = Touch();
        if (file.Kind == FileKind.Pages)
        {
            if (_firstPage == 0)
            {
                Volatile.Write(ref _firstPage, now);
            }
            Volatile.Write(ref _pageBytes, _pageBytes + bytes);
        }
        Volatile.Write(ref file.Bytes, file.Bytes + bytes);
        Volatile.Write(ref _bytes, _bytes + bytes);
    }

    public void Closed(FileMeter file)
    {
        Volatile.Write(ref file.Closed, Touch());
        Interlocked.Increment(ref _closed);
    }

    public void Completed() => Volatile.Write(ref _completed, Touch());

    public void WaitBegins() => Volatile.Write(ref _waitingSince, time.GetTimestamp());

    public void WaitEnds()
    {
        Volatile.Write(ref _waited, _waited + (Touch() - _waitingSince));
        Volatile.Write(ref _waitingSince, 0);
    }

    public CaptureStatistics Snapshot()
    {
        lock (_gate)
        {
            long waitingSince = Volatile.Read(ref _waitingSince);
            long waiting = waitingSince == 0 ? 0 : time.GetTimestamp() - waitingSince;
            return new CaptureStatistics
            {
                Bytes = Volatile.Read(ref _bytes),
                PageBytes = Volatile.Read(ref _pageBytes),
                FilesOpened = _files.Count,
                FilesClosed = Volatile.Read(ref _closed),
                WaitedForMemory = time.GetElapsedTime(0, Volatile.Read(ref _waited) + waiting),
                WaitingForMemory = waitingSince != 0,
                FirstPage = Since(Volatile.Read(ref _firstPage)),
                Completed = Since(Volatile.Read(ref _completed)),
                Files = [.. _files.Select(f => new CapturedFileStatistics(
                    f.Name, Volatile.Read(ref f.Bytes), time.GetElapsedTime(_start, f.Opened), Since(Volatile.Read(ref f.Closed))))],
            };
        }
    }

    private long Touch()
    {
        long now = time.GetTimestamp();
        Volatile.Write(ref _lastProgress, now);
        return now;
    }

    private TimeSpan? Since(long timestamp) => timestamp == 0 ? null : time.GetElapsedTime(_start, timestamp);

    /// <summary>The counters of one file; fields, because they are written through <see cref="Volatile"/>.</summary>
    internal sealed class FileMeter(string name, FileKind kind, long opened)
    {
        public string Name => name;

        public FileKind Kind => kind;

        public long Opened => opened;

        public long Bytes;
        public long Closed;
    }
}
