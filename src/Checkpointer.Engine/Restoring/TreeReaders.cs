using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>A reader of one snapshot for each tree: a reader is lent the memory of whoever serves from it.</summary>
internal sealed class TreeReaders : IAsyncDisposable
{
    private readonly SnapshotReader _first;
    private readonly List<SnapshotReader> _others = [];

    private TreeReaders(SnapshotReader first)
    {
        _first = first;
    }

    public SnapshotReader this[int tree] => tree == 0 ? _first : _others[tree - 1];

    /// <summary>What all of them read from the store so far.</summary>
    public (long Bytes, long Requests) Fetched =>
        _others.Prepend(_first).Aggregate((0L, 0L), static (sum, r) => (sum.Item1 + r.Statistics.Fetched, sum.Item2 + r.Statistics.Requests));

    /// <param name="repository">Where the snapshot is.</param>
    /// <param name="first">Open already; stays the caller's.</param>
    /// <param name="count">How many trees there are.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    public static async Task<TreeReaders> OpenAsync(CheckpointRepository repository, SnapshotReader first, int count, CancellationToken cancellationToken)
    {
        TreeReaders readers = new(first);
        try
        {
            while (readers._others.Count < count - 1)
            {
                readers._others.Add(await repository.OpenSnapshotAsync(first.Info.Id, cancellationToken).ConfigureAwait(false));
            }

            return readers;
        }
        catch
        {
            await readers.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _others)
        {
            await reader.DisposeAsync().ConfigureAwait(false);
        }
    }
}
