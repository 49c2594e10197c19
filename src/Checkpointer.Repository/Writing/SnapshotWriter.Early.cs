namespace Checkpointer.Repository;

/// <summary>What is stored before it is known to be part of the snapshot.</summary>
public sealed partial class SnapshotWriter
{
    private readonly EarlyTable? _early;

    /// <summary>Nothing more is stored early: its memory is used up.</summary>
    public bool IsEarlyFull => _early is null or { IsFull: true };

    internal EarlyTable? Early => _early;

    /// <summary>
    /// A file of the early part: its chunks are stored, and it is in no map. What is written under a name afterwards finds them, so that a workload need not be frozen
    /// while they are compressed, sealed and stored; packs of which nothing is found again are left to prune. Thread-safe.
    /// </summary>
    /// <exception cref="InvalidOperationException">The writer was given no <see cref="WriterOptions.EarlyMemory"/>, or the early part has ended.</exception>
    public FileWriter OpenEarly(FileKind kind)
    {
        ThrowIfFailed();
        return _early is { IsEnded: false }
            ? new FileWriter(this, "", kind, isEarly: true)
            : throw new InvalidOperationException("this writer has no memory for an early part, or the early part has ended");
    }

    /// <summary>
    /// Waits until the early files, all of them completed, are durable; no other file can be opened before. From then on their chunks are found, and none is added.
    /// </summary>
    public async Task EndEarlyAsync(CancellationToken cancellationToken)
    {
        await DrainAsync(cancellationToken).ConfigureAwait(false);
        _early?.End(_packs);
    }
}
