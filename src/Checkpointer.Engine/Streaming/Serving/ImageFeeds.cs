using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The readers of all files of one image, with the memory that they share. Small files are read ahead of any request: each has
/// its slot anyway, and CRIU asks for hundreds of them one after another. Thread-safe.
/// </summary>
internal sealed class ImageFeeds : IAsyncDisposable
{
    // Files read before CRIU asks: bounds what a hundred thousand pipes would cost in bookkeeping.
    private const int MaxPrefetched = 4096;

    // Prefetching leaves the decoders to what CRIU waits for.
    private const int PrefetchersAtOnce = 2;

    private readonly IImageSource _image;
    private readonly ServeBudget _budget;
    private readonly AbortSource _abort;
    private readonly CancellationTokenSource _stopping;
    private readonly Dictionary<string, SnapshotFile> _files;
    private readonly Dictionary<string, (FileFeed Feed, FileAllowance Allowance)> _prefetched = new(StringComparer.Ordinal);
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _running = [];
    private readonly Lock _gate = new();

    public ImageFeeds(IImageSource image, BlockPool pool, AbortSource abort)
    {
        _image = image;
        _abort = abort;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(abort.Token);
        _files = image.Files.ToDictionary(f => f.Name, StringComparer.Ordinal);
        _budget = new ServeBudget(pool, image.Files);
    }

    public SnapshotFile? Find(string name) => _files.GetValueOrDefault(name);

    /// <summary>True while the file is being served and holds its slot.</summary>
    public bool IsTaken(string name)
    {
        lock (_gate)
        {
            return _taken.Contains(name);
        }
    }

    /// <summary>A feed from the start of the file, running; <see cref="Return"/> ends it.</summary>
    public (FileFeed Feed, FileAllowance Allowance) Take(SnapshotFile file, bool extra)
    {
        (FileFeed Feed, FileAllowance Allowance) feed;
        lock (_gate)
        {
            if (extra)
            {
                feed = Make(file, ServeBudget.ExtraAllowanceFor(file));
            }
            else
            {
                _taken.Add(file.Name);
                feed = _prefetched.Remove(file.Name, out (FileFeed Feed, FileAllowance Allowance) early)
                    ? early
                    : Make(file, _budget.AllowanceFor(file));
            }
        }
        _budget.Opened(feed.Allowance);
        Start(feed.Feed);
        return feed;
    }

    /// <summary>The reader is done with it, or went away; <see cref="FileFeed.Output"/> is completed.</summary>
    public void Return(FileFeed feed, FileAllowance allowance)
    {
        _budget.Closed(allowance);
        feed.Cancel();
    }

    /// <summary>Reads small files until all are there or everything ends.</summary>
    public void Prefetch()
    {
        IEnumerator<SnapshotFile> files = _files.Values
            .Where(f => f.Kind == FileKind.Bytes && !ServeBudget.IsBulk(f))
            .Take(MaxPrefetched)
            .ToList()
            .GetEnumerator();
        for (int i = 0; i < PrefetchersAtOnce; i++)
        {
            Track(Task.Run(() => PrefetchAsync(files)));
        }
    }

    /// <summary>Stops what still runs, waits for it, and gives the pool back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_gate)
        {
            foreach ((FileFeed feed, _) in _prefetched.Values)
            {
                feed.Output.Complete();
            }
            _prefetched.Clear();
            running = [.. _running];
        }
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // errors went to the abort source
        _budget.Dispose();
        _stopping.Dispose();
    }

    private (FileFeed Feed, FileAllowance Allowance) Make(SnapshotFile file, FileAllowance allowance) =>
        (new FileFeed(_image, file, _budget, allowance, _stopping.Token), allowance);

    private async Task PrefetchAsync(IEnumerator<SnapshotFile> files)
    {
        while (!_stopping.IsCancellationRequested)
        {
            FileFeed feed;
            lock (_gate)
            {
                if (!files.MoveNext())
                {
                    return;
                }
                SnapshotFile file = files.Current;
                if (_taken.Contains(file.Name))
                {
                    continue; // CRIU was faster
                }
                (FileFeed Feed, FileAllowance Allowance) made = Make(file, _budget.AllowanceFor(file));
                _prefetched.Add(file.Name, made);
                feed = made.Feed;
            }
            await Start(feed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // seen by Watch
        }
    }

    private Task Start(FileFeed feed)
    {
        Task run = feed.Start();
        Track(Watch(run));
        return run;
    }

    private async Task Watch(Task run)
    {
        try
        {
            await run.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The reader went away, or everything ends.
        }
        catch (Exception e)
        {
            _abort.Abort(e);
        }
    }

    private void Track(Task task)
    {
        lock (_gate)
        {
            _running.Add(task);
        }
        _ = task.ContinueWith(Untrack, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Untrack(Task task)
    {
        lock (_gate)
        {
            _running.Remove(task);
        }
    }
}
