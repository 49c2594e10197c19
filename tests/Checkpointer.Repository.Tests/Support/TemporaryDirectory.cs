namespace Checkpointer.Repository.Tests;

/// <summary>A directory that is removed with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("checkpointer-repository-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
