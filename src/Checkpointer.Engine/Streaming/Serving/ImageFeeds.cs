using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The readers of all files of one image, with the memory that they share. What has a slot of its own is read ahead of any request
/// (<see cref="ImagePrefetch"/>). Thread-safe.
/// </summary>
internal sealed class ImageFeeds : IAsyncDisposable
{
    private readonly IImageSource _image;
    private readonly ServeBudget _budget;
    private readonly AbortSource _abort;
    private readonly CancellationTokenSource _stopping;
    private readonly Dictionary<string, SnapshotFile> _files;
    private readonly Dictionary<string, (FileFeed Feed, FileAllowance Allowance)> _prefetched = new(StringComparer.Ordinal);
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _running = [];
    private readonly ImagePrefetch _prefetch;
    private readonly Lock _gate = new();

    public ImageFeeds(IImageSource image, BlockPool pool, AbortSource abort)
    {
        _image = image;
        _abort = abort;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(abort.Token);
        _files = image.Files.ToDictionary(f => f.Name, StringComparer.Ordinal);
        _budget = new ServeBudget(pool, image.Files, image.WantedBuffers, () => image.AheadBytes);
        _prefetch = new ImagePrefetch(image, this);
        image.Lend(_budget.Lent);
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
                feed = Make(file, ServeBudget.ExtraAllowanceFor(file), null);
            }
            else
            {
                _taken.Add(file.Name);
                if (!_prefetched.Remove(file.Name, out feed))
                {
                    feed = Make(file, _budget.AllowanceFor(file), null);
                }
                else if (ImagePrefetch.IsHead(file))
                {
                    _prefetch.HeadTaken();
                }
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

    /// <summary>Reads ahead of any request until nothing is left to be read, or everything ends.</summary>
    public void Prefetch() => Track(Watch(Task.Run(() => _prefetch.RunAsync(_stopping.Token))));

    /// <summary>Reads the beginnings of files together, where CRIU was not faster. Ends when the reads are asked for.</summary>
    public async Task PrimeAsync(IReadOnlyList<SnapshotFile> files, CancellationToken cancellationToken)
    {
        List<(SnapshotFile File, FileFeed Feed, FileAllowance Allowance, TaskCompletionSource<PrimedFile?> Primed)> batch = [];
        lock (_gate)
        {
            foreach (SnapshotFile file in files)
            {
                if (_taken.Contains(file.Name))
                {
                    if (ImagePrefetch.IsHead(file))
                    {
                        _prefetch.HeadTaken();
                    }
                    continue;
                }
                TaskCompletionSource<PrimedFile?> primed = new(TaskCreationOptions.RunContinuationsAsynchronously);
                (FileFeed Feed, FileAllowance Allowance) feed = Make(file, _budget.AllowanceFor(file), primed.Task);
                _prefetched.Add(file.Name, feed);
                batch.Add((file, feed.Feed, feed.Allowance, primed));
            }
        }
        List<(TaskCompletionSource<PrimedFile?> Primed, IImageFile File, Fill Fill, long Bytes)> begun = [];
        try
        {
            await _image.LoadHeadsAsync(batch.Select(static b => b.File.Name), cancellationToken).ConfigureAwait(false);
            List<ImageTarget> targets = [];
            foreach ((SnapshotFile file, _, FileAllowance allowance, TaskCompletionSource<PrimedFile?> primed) in batch)
            {
                if (_budget.TakeSlot(allowance) is not { } slot)
                {
                    primed.SetResult(null); // it is empty
                    continue;
                }
                IImageFile opened = _image.Open(file.Name);
                Fill fill = new(_budget, allowance, slot);
                begun.Add((primed, opened, fill, 0));
                long bytes = await fill.CollectAsync(opened, file.Name, 0, file.Length, cancellationToken).ConfigureAwait(false);
                targets.AddRange(fill.Targets(opened, begun.Count - 1));
                begun[^1] = (primed, opened, fill, bytes);
            }
            Task[] decoding = _image.Decode(targets, begun.Count, cancellationToken);
            for (int i = 0; i < begun.Count; i++)
            {
                begun[i].Primed.SetResult(new PrimedFile(begun[i].File, begun[i].Fill, begun[i].Bytes, decoding[i]));
                Track(Watch(decoding[i])); // also those that nobody asks for may show damage
            }
        }
        catch (Exception e)
        {
            begun.ForEach(static b => b.File.Dispose());
            foreach ((_, _, _, TaskCompletionSource<PrimedFile?> primed) in batch)
            {
                primed.TrySetException(e);
                _ = primed.Task.Exception; // the caller has it too
            }
            throw;
        }
        foreach ((_, FileFeed feed, _, _) in batch.Where(static b => !ImagePrefetch.IsHead(b.File)))
        {
            _ = Start(feed);
        }
    }

    /// <summary>Stops what still runs, waits for it, and gives the pool back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        List<FileFeed> unread;
        lock (_gate)
        {
            unread = [.. _prefetched.Values.Select(static p => p.Feed)];
            unread.ForEach(static f => f.Output.Complete());
        }
        while (Running() is { Length: > 0 } running)
        {
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // errors went to the abort source
        }
        unread.ForEach(static f => f.Abandon());
        await _image.TakeBackAsync().ConfigureAwait(false);
        _budget.Dispose();
        _stopping.Dispose();
    }

    private Task[] Running()
    {
        lock (_gate)
        {
            return [.. _running];
        }
    }

    private (FileFeed Feed, FileAllowance Allowance) Make(SnapshotFile file, FileAllowance allowance, Task<PrimedFile?>? priming) =>
        (new FileFeed(_image, file, _budget, allowance, priming, _abort.Abort, _stopping.Token), allowance);

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
