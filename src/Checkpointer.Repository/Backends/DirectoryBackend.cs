namespace Checkpointer.Repository;

/// <summary>A repository in a directory of the local machine or of a mounted share.</summary>
public sealed class DirectoryBackend : IBackend
{
    /// <summary>The directory is made by the first upload.</summary>
    public DirectoryBackend(string path) => ArgumentException.ThrowIfNullOrEmpty(path);

    public string Describe() => throw new NotImplementedException();
    public IObjectUpload BeginPut(string name, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken) => throw new NotImplementedException();
    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
