namespace Checkpointer.Repository;

public sealed partial class SnapshotWriter
{
    private int _committing;
    private volatile bool _uncertain;

    /// <summary>
    /// Packs, then map, then the manifest, create-only. Code generation-taken when another writer was first. Every file must have been completed. When it returns,
    /// the snapshot is durable; when it throws, it is not visible (a store that fails while the manifest is being published is asked to remove it again).
    /// </summary>
    public Task<SnapshotInfo> CommitAsync(ManifestContent content, CancellationToken cancellationToken) => CommitAsync(content, null, cancellationToken);

    /// <summary>As the other, for a copy that keeps the identity of its original.</summary>
    internal Task<SnapshotInfo> CommitCopyAsync(ManifestContent content, CopiedIdentity identity, CancellationToken cancellationToken) =>
        CommitAsync(content, identity, cancellationToken);

    private async Task<SnapshotInfo> CommitAsync(ManifestContent content, CopiedIdentity? identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ThrowIfFailed();
        FileWriter[] files = [.. _files.Values];
        if (Array.Find(files, f => !f.IsCompleted) is { } open)
        {
            throw new InvalidOperationException($"the file '{open.Name}' was not completed");
        }

        if (Interlocked.Exchange(ref _committing, 1) != 0)
        {
            throw new InvalidOperationException("a snapshot is committed once");
        }

        using CancellationTokenRegistration registration = cancellationToken.Register(() => Fail(new OperationCanceledException(cancellationToken)));
        try
        {
            await DrainAsync(cancellationToken).ConfigureAwait(false);
            return await Task.Factory.StartNew(
                () => PublishAsync(content, files, identity),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fail(e);
            CheckpointerException first = Volatile.Read(ref _error)!;
            throw first is OperationCancelledException ? new OperationCanceledException(first.Message, first, cancellationToken) : first;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        Stop(_error ?? (Exception)new ObjectDisposedException(nameof(SnapshotWriter)));
        bool stuck = false;
        try
        {
            await Task.WhenAll(_workers.Select(w => w.Ended)).WaitAsync(StopDeadline, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Its thread ends, and its block goes back to the pool, when the store answers.
            stuck = true;
            Log.WorkerStuck(_logger, _target.Id.ToString(), StopDeadline.TotalSeconds);
        }

        if (Parent.Search is { } search)
        {
            await search.DisposeAsync().ConfigureAwait(false);
        }

        foreach (FileWriter file in _files.Values)
        {
            file.Abandon();
        }

        if (_uncertain)
        {
            // The store failed while the manifest was being published. A request that is still under way could make it visible later: until the intent
            // dies of its age, prune keeps what that manifest would name.
            Log.IntentStays(_logger, _target.Id.ToString());
        }
        else
        {
            await Parent.Intent.RemoveAsync().ConfigureAwait(false);
        }

        if (!stuck)
        {
            // The map's lock may be held by a stuck worker.
            Map.Dispose();
            _cancel.Dispose();
        }
    }

    private async Task<SnapshotInfo> PublishAsync(ManifestContent content, FileWriter[] files, CopiedIdentity? identity)
    {
        MapReference map = Map.Finish(files, _packs.Packs);
        ThrowIfFailed();
        Counters.Stored(-(_early?.UnusedBytes() ?? 0));
        ManifestDocument document = ManifestMapping.Write(
            identity is null ? _target : _target with { Parent = identity.Parent },
            identity is null ? Parent.Digest : identity.ParentDigest,
            content,
            map,
            files.Length,
            Counters.BytesCaptured,
            Counters.BytesStored,
            identity?.Origin);
        await Parent.Intent.VerifyAsync(map.Id, _cancel.Token).ConfigureAwait(false);
        SnapshotInfo info;
        try
        {
            _uncertain = true;
            info = await _store.CommitAsync(_target.Id, document, identity?.Superseded ?? false, _cancel.Token).ConfigureAwait(false);
            _uncertain = false;
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.GenerationTaken or RepositoryCodes.LimitExceeded)
        {
            _uncertain = false;
            throw;
        }

        Counters.Stored(info.BytesStored - Counters.BytesStored);
        return info;
    }
}
