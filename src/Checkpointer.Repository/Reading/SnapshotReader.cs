namespace Checkpointer.Repository;

/// <summary>An opened snapshot: manifest and map index are authenticated and in memory, everything else is read on demand. Thread-safe.</summary>
public sealed class SnapshotReader : IAsyncDisposable
{
    public SnapshotInfo Info => throw new NotImplementedException();

    public IReadOnlyList<SnapshotFile> Files => throw new NotImplementedException();

    public bool Contains(string name) => throw new NotImplementedException();

    /// <summary>Code snapshot-file-not-found when absent. Any number of readers may be open, several of one file too.</summary>
    public FileReader OpenFile(string name) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
