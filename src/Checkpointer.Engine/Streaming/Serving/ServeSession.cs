using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>One restore's conversation with CRIU, on one thread: requests are answered at once, and every file has its own writer.</summary>
internal sealed class ServeSession : IDescriptorHandler, IDisposable
{
    /// <summary>Requests of one restore: a million files, each asked for once, with room for those that are absent.</summary>
    public const int MaxRequests = 1 << 21;

    // A file that is asked for while it is still being served needs a slot beyond the pool; CRIU 4.2 never does that.
    private const int MaxExtraSlots = 16;

    private readonly ControlChannel _control;
    private readonly ImageFeeds _feeds;
    private readonly Func<string, ReadOnlyMemory<byte>?> _replace;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stopping;
    private readonly PipeGrowth _growth = new();
    private readonly ConcurrentQueue<ServedFile> _all = new();
    private readonly Dictionary<ServedFile, OpenFeed> _open = [];
    private ServedFile? _requested;
    private OpenFeed _requestedFeed;
    private int _requests;
    private int _absent;
    private int _extraSlots;
    private long _bytes;
    private long _pageBytes;
    private long _lastProgress;

    public ServeSession(
        UnixConnection connection, ImageFeeds feeds, Func<string, ReadOnlyMemory<byte>?> replace, TimeProvider time, CancellationToken stopping)
    {
        _control = new ControlChannel(connection);
        _feeds = feeds;
        _replace = replace;
        _time = time;
        _stopping = stopping;
        _lastProgress = time.GetTimestamp();
    }

    /// <summary>What has to be undone when the file ends; the feed is null for replaced content.</summary>
    private readonly record struct OpenFeed(FileFeed? Feed, FileAllowance? Allowance, bool Extra);

    public DescriptorLoop Loop { get; } = new();

    /// <summary>Any thread.</summary>
    public long LastProgress => Volatile.Read(ref _lastProgress);

    /// <summary>Any thread.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Any thread: in the order of the requests.</summary>
    public IReadOnlyCollection<ServedFile> Files => _all;

    public ServeStatistics Statistics() => new()
    {
        Bytes = Volatile.Read(ref _bytes),
        PageBytes = Volatile.Read(ref _pageBytes),
        Absent = Volatile.Read(ref _absent),
        Files = [.. _all.Select(f => new ServedFileStatistics(f.File.Name, f.File.Length, f.Written, f.State))],
    };

    /// <summary>Returns when CRIU has closed the socket and every file has ended.</summary>
    public void Run()
    {
        Loop.Watch(_control.Handle, this, EpollEvents.In);
        Loop.Run(_stopping);
    }

    public void OnEvents(EpollEvents events)
    {
        switch (_control.Advance())
        {
            case ControlStep.Request:
                Answer(_control.FileName);
                break;
            case ControlStep.Pipe:
                Start(_control.TakePipe());
                break;
            case ControlStep.Closed:
                Loop.Forget(_control.Handle, this);
                StopWhenDone();
                break;
            case ControlStep.Partial:
                break;
        }
    }

    public void Wrote(FileKind kind, int bytes)
    {
        Volatile.Write(ref _bytes, _bytes + bytes);
        if (kind == FileKind.Pages)
        {
            Volatile.Write(ref _pageBytes, _pageBytes + bytes);
        }
        Touch();
    }

    public void Ended(ServedFile file)
    {
        Touch();
        if (_open.Remove(file, out OpenFeed feed))
        {
            Close(feed);
        }
        StopWhenDone();
    }

    public void Dispose()
    {
        _control.Dispose();
        _requested?.Dispose();
        Close(_requestedFeed);
        foreach ((ServedFile file, OpenFeed feed) in _open)
        {
            file.Dispose();
            Close(feed);
        }
        Loop.Dispose();
    }

    private void Answer(string name)
    {
        if (++_requests > MaxRequests)
        {
            throw StreamingErrors.Protocol($"more than {MaxRequests} requests");
        }
        Touch();
        _requested = Find(name);
        _control.Reply(_requested is not null);
        if (_requested is null)
        {
            Interlocked.Increment(ref _absent);
            return;
        }
        _control.ExpectPipe();
    }

    private ServedFile? Find(string name)
    {
        if (_replace(name) is { } content)
        {
            SnapshotFile replaced = new(name, ImageNames.KindOf(name), content.Length);
            return new ServedFile(this, replaced, Filled(content.Span));
        }
        if (_feeds.Find(name) is not { } file)
        {
            return null;
        }
        bool extra = _feeds.IsTaken(name);
        if (extra && ++_extraSlots > MaxExtraSlots)
        {
            throw StreamingErrors.Protocol($"{name} again while it is being served, once too often");
        }
        (FileFeed feed, FileAllowance allowance) = _feeds.Take(file, extra);
        _requestedFeed = new OpenFeed(feed, allowance, extra);
        ServedFile served = new(this, file, feed.Output);
        feed.OnData(served.Poke);
        return served;
    }

    // A copy: replaced images are small, and the caller's memory is then free at once.
    private static PipeReader Filled(ReadOnlySpan<byte> content)
    {
        Pipe pipe = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        pipe.Writer.Write(content);
        pipe.Writer.Complete();
        return pipe.Reader;
    }

    private void Start(Microsoft.Win32.SafeHandles.SafeFileHandle pipe)
    {
        ServedFile file = _requested!;
        bool isBulk = _requestedFeed.Allowance is { IsBulk: true };
        _open.Add(file, _requestedFeed);
        _all.Enqueue(file);
        _requested = null;
        _requestedFeed = default;
        file.Start(pipe, isBulk ? _growth : null);
    }

    private void Close(OpenFeed open)
    {
        _extraSlots -= open.Extra ? 1 : 0;
        if (open.Feed is not null)
        {
            _feeds.Return(open.Feed, open.Allowance!);
        }
    }

    private void StopWhenDone()
    {
        if (Loop.Watched == 0)
        {
            Loop.Stop();
        }
    }

    private void Touch() => Volatile.Write(ref _lastProgress, _time.GetTimestamp());
}
