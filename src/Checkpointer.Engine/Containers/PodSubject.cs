using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Containers;

/// <summary>A pod that is to be dumped: all of its containers that run.</summary>
/// <param name="Label">For people: <c>NAMESPACE/POD</c>.</param>
/// <param name="SandboxId">The runtime's id of its sandbox, by which this node knows the pod again.</param>
/// <param name="Members">In the order of their names, which is the same in every generation.</param>
/// <param name="Findings">What is to be told of those that do not run.</param>
internal sealed record PodSubject(string Label, string SandboxId, IReadOnlyList<ContainerSubject> Members, IReadOnlyList<Finding> Findings)
{
    /// <exception cref="UsageException">
    /// Codes of <see cref="IContainerRuntime.FindPodAsync"/> and of <see cref="ContainerSubject.FindAsync"/>, and <c>pod-too-large</c>.
    /// </exception>
    /// <exception cref="HostException">Code <c>runtime-missing</c>: this engine was given no runtime.</exception>
    public static async Task<PodSubject> FindAsync(EngineServices services, string name, CancellationToken cancellationToken)
    {
        var records = await services.Runtime.FindPodAsync(name, cancellationToken).ConfigureAwait(false);
        var all = await services.Runtime.ListAsync(cancellationToken).ConfigureAwait(false);
        if (records.Count > PodPart.MostMembers)
        {
            throw new UsageException("pod-too-large", $"Pod {name} has {records.Count} containers.", $"At most {PodPart.MostMembers} are checkpointed together.");
        }

        var first = records[0];
        var label = first.PodName is null ? name : $"{first.PodNamespace}/{first.PodName}";
        var members = await DedicatedThread
            .Run("look at pod", () => records.OrderBy(static r => r.Name, StringComparer.Ordinal).Select(r => ContainerSubject.Of(r, cancellationToken)).ToList())
            .ConfigureAwait(false);
        var running = records.Select(static r => r.Name).ToHashSet(StringComparer.Ordinal);
        return new PodSubject(label, first.SandboxId ?? first.Id, members, NotRunning(all, first.SandboxId, running));
    }

    /// <summary>Containers of the pod that have ended travel as little as their exit codes do; one that is about to run would be missed.</summary>
    internal static IReadOnlyList<Finding> NotRunning(IReadOnlyList<ContainerSummary> all, string? sandbox, IReadOnlySet<string> running) =>
    [
        .. all.Where(c => sandbox is not null && c.SandboxId == sandbox && c.State != "running" && !running.Contains(c.Name))
            .DistinctBy(static c => c.Name)
            .OrderBy(static c => c.Name, StringComparer.Ordinal)
            .Select(static c => c.State == "exited"
                ? new Finding(
                    "container-ended", FindingSeverity.Note, c.Label, "it has ended (an init container, for example) and is not in the snapshot", "nothing",
                    "nothing: the new pod needs no such container")
                : new Finding(
                    "container-not-started", FindingSeverity.Overridable, c.Label, $"it does not run yet: its state is {c.State}", "every container of the pod running, or ended",
                    "try again when it runs, or force it to leave it out")),
    ];
}
