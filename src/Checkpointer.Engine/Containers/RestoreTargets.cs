using Checkpointer.Engine.Compatibility;

namespace Checkpointer.Engine.Containers;

/// <summary>Where the trees of a snapshot go: nowhere in particular, into one placeholder, or each container of a pod into its own.</summary>
internal sealed class RestoreTargets : IAsyncDisposable
{
    private readonly IReadOnlyList<ContainerTarget?> _targets;

    private RestoreTargets(IReadOnlyList<ContainerTarget?> targets, IReadOnlyList<Finding> findings)
    {
        _targets = targets;
        Findings = findings;
    }

    /// <summary>Notes about the place as a whole, and what of a pod is not shared in it as it was.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>The placeholder of a tree; null for a plain one.</summary>
    public ContainerTarget? this[int tree] => _targets[tree];

    /// <exception cref="UsageException">
    /// As <see cref="ContainerTarget.FindAsync"/>; and <c>pod-snapshot</c>: a pod is needed, <c>placeholder-missing</c>: the pod has no
    /// running container of a name; and those of <see cref="IContainerRuntime.FindPodAsync"/>.
    /// </exception>
    public static async Task<RestoreTargets> FindAsync(EngineServices services, RestoreRequest request, WorkloadRecord record, CancellationToken cancellationToken)
    {
        if (record.Pod is not { } pod)
        {
            return new RestoreTargets([await ContainerTarget.FindAsync(services, request, record.Container, cancellationToken).ConfigureAwait(false)], []);
        }

        if (request.Into is null && !request.Create)
        {
            throw new UsageException(
                "pod-snapshot",
                $"This snapshot is of the pod {pod.Label} with {pod.Members.Count} containers.",
                "Name a pod whose containers of the same names wait with --into NAMESPACE/POD, or have one made with --create.");
        }

        return request.Into is { } name
            ? await WaitingAsync(services, name, pod, cancellationToken).ConfigureAwait(false)
            : await MadeAsync(services, pod, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>For a verdict: as <see cref="FindAsync"/>, but nothing is made. A place that is not named, or not there yet, is unknown, and a note says so.</summary>
    public static Task<RestoreTargets> LookAsync(EngineServices services, RestoreRequest request, WorkloadRecord record, CancellationToken cancellationToken)
    {
        var label = record.Pod is { } pod ? $"pod {pod.Label}" : record.Container is { } part ? $"container {part.Record.Label}" : null;
        if (label is null || request.Into is not null)
        {
            return FindAsync(services, request, record, cancellationToken);
        }

        const string OnlyThere = "its mounts, files, network, GPUs and limits, which were not looked at";
        var note = request.Create
            ? new Finding(
                "target-not-made", FindingSeverity.Note, label, "the new container is still to be made", OnlyThere,
                "nothing: it is made as the snapshot's was, and compared before the restore touches anything")
            : new Finding(
                "target-not-named", FindingSeverity.Note, label, "no new container is named", OnlyThere,
                "name it: checkpointer restore SNAPSHOT --into NAME --dry-run");
        return Task.FromResult(new RestoreTargets([.. record.Trees.Select(static _ => (ContainerTarget?)null)], [note]));
    }

    /// <summary>They hold a restored workload: they stay.</summary>
    public void Keep()
    {
        foreach (var target in _targets)
        {
            target?.Keep();
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The first takes the sandbox away, and the others with it.
        if (_targets[0] is { } first)
        {
            await first.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<RestoreTargets> WaitingAsync(EngineServices services, string name, PodPart pod, CancellationToken cancellationToken)
    {
        var running = await services.Runtime.FindPodAsync(name, cancellationToken).ConfigureAwait(false);
        List<string> missing = [.. pod.Members.Select(static m => m.Name).Where(n => running.All(r => r.Name != n))];
        if (missing.Count > 0)
        {
            throw new UsageException(
                "placeholder-missing",
                $"In pod {name} no container named {FindingList.Enumerate(missing)} runs; it has {FindingList.Enumerate([.. running.Select(static r => r.Name)])}.",
                "Give the pod a container of each of the snapshot's names, whose first process is `checkpointer-init hold`.");
        }

        List<ContainerTarget> targets = [];
        foreach (var member in pod.Members)
        {
            targets.Add(await ContainerTarget.OfAsync(services, running.First(r => r.Name == member.Name)).ConfigureAwait(false));
        }

        var others = running.Select(static r => r.Name).Except(pod.Members.Select(static m => m.Name), StringComparer.Ordinal).ToList();
        List<Finding> findings = others.Count == 0 ? [] :
        [
            new Finding(
                "container-not-in-snapshot", FindingSeverity.Note, FindingList.Enumerate(others), "it runs in the new pod, and the snapshot has no such container", "nothing",
                "nothing: it stays as it is"),
        ];
        return new RestoreTargets(targets, [.. findings, .. PodPlacement.Check(pod, targets)]);
    }

    private static async Task<RestoreTargets> MadeAsync(EngineServices services, PodPart pod, CancellationToken cancellationToken)
    {
        var records = await services.Runtime
            .CreatePodAsync([.. pod.Members.Select(static m => m.Workload.Container!.Record)], services.Init, cancellationToken).ConfigureAwait(false);
        try
        {
            List<ContainerTarget> targets = [];
            foreach (var member in pod.Members)
            {
                targets.Add(await ContainerTarget.MadeAsync(services, records.First(r => r.Name == member.Name), cancellationToken).ConfigureAwait(false));
            }

            return new RestoreTargets(targets, PodPlacement.Check(pod, targets));
        }
        catch
        {
            await services.Runtime.RemovePlaceholderAsync(records[0], CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }
}
