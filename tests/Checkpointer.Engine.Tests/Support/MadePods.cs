using Checkpointer.Engine.Containers;

namespace Checkpointer.Engine.Tests.Support;

/// <summary>A runtime that has nothing but pods that were made.</summary>
internal sealed class MadePods : IContainerRuntime
{
    public List<string> Uids { get; } = [];

    /// <summary>Thrown when one is to be removed.</summary>
    public Exception? Error { get; set; }

    public Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ContainerRecord> FindAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<ContainerRecord>> FindPodAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<ContainerRecord>> CreatePodAsync(IReadOnlyList<ContainerRecord> records, string uid, string init, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<bool> RemovePodAsync(string uid, CancellationToken cancellationToken) => Error is null ? Task.FromResult(Uids.Remove(uid)) : throw Error;

    public Task<IReadOnlyList<string>> MadePodsAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([.. Uids]);
}
