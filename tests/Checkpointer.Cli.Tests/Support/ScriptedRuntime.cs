using Checkpointer.Engine.Containers;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>A container runtime that has what the test says; what is inspected belongs to this process.</summary>
internal sealed class ScriptedRuntime : IContainerRuntime
{
    public List<ContainerSummary> Containers { get; } = [];

    /// <summary>Thrown by every list.</summary>
    public Exception? Error { get; set; }

    /// <summary>Thrown by the inspection of the container with this id.</summary>
    public Dictionary<string, Exception> Problems { get; } = [];

    public ContainerSummary Add(string name, string state = "running", string? pod = "web", string image = "localhost/bb:1")
    {
        var summary = new ContainerSummary
        {
            Id = $"{Containers.Count + 1:x2}".PadRight(64, 'a'),
            Name = name,
            PodName = pod,
            PodNamespace = pod is null ? null : "default",
            Image = image,
            State = state,
            Created = DateTimeOffset.UnixEpoch,
        };
        Containers.Add(summary);
        return summary;
    }

    public Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken cancellationToken)
    {
        return Error is null ? Task.FromResult<IReadOnlyList<ContainerSummary>>(Containers) : throw Error;
    }

    public Task<ContainerRecord> FindAsync(string name, CancellationToken cancellationToken)
    {
        var found = Containers.Single(c => c.Id == name);
        return Problems.TryGetValue(found.Id, out var problem) ? throw problem : Task.FromResult(new ContainerRecord
        {
            Id = found.Id,
            Name = found.Name,
            PodName = found.PodName,
            PodNamespace = found.PodNamespace,
            Pid = Environment.ProcessId,
            Image = found.Image,
            ImageDigest = "sha256:" + new string('b', 64),
            Runtime = "containerd",
            RuntimeVersion = "1.6.20",
        });
    }

    public Task<IReadOnlyList<ContainerRecord>> FindPodAsync(string name, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<ContainerRecord>> CreatePodAsync(IReadOnlyList<ContainerRecord> records, string uid, string init, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<bool> RemovePodAsync(string uid, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<string>> MadePodsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
}
