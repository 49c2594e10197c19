namespace Checkpointer.Repository;

/// <summary>
/// Makes one snapshot. Dead after its first error: then <see cref="Failure"/> is faulted, every call throws that error, and appended blocks go straight
/// back to the pool. Disposing it without a commit aborts and leaves only objects that no manifest names.
/// </summary>
public sealed class SnapshotWriter : IAsyncDisposable
{
    /// <summary>Characters of a file's name.</summary>
    public const int MaxFileName = 255;

    /// <summary>Faults with the <see cref="CheckpointerException"/> that killed the writer; never completes otherwise.</summary>
    public Task Failure => throw new NotImplementedException();

    public WriterProgress Progress => throw new NotImplementedException();

    /// <summary>
    /// True (the start): a frozen workload waits for this writer, so chunks go raw as soon as blocks queue up, unless the store is the slower side.
    /// False: nobody waits, and only a nearly empty pool makes it skip compression.
    /// </summary>
    public bool Hurry { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>Thread-safe. Names are unique, 1 to <see cref="MaxFileName"/> characters, no control characters.</summary>
    public FileWriter OpenFile(string name, FileKind kind) => throw new NotImplementedException();

    /// <summary>While held, workers take no CPU from the dump; they go on by themselves when the pool runs low, and at a drain or commit.</summary>
    public void HoldWorkers(bool hold) => throw new NotImplementedException();

    /// <summary>Completes when everything appended before is sealed and durable in the store (still unreferenced until the commit).</summary>
    public Task DrainAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Packs, then map, then the manifest, create-only. Code generation-taken when another writer was first.</summary>
    public Task<SnapshotInfo> CommitAsync(ManifestContent content, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
