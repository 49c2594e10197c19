using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Containers;

/// <summary>Where the trees of a snapshot go: nowhere in particular, into one placeholder, or each container of a pod into its own.</summary>
internal sealed class RestoreTargets : IAsyncDisposable
{
    private static readonly IReadOnlySet<string> Nothing = new HashSet<string>();

    private readonly IReadOnlyList<ContainerTarget?> _targets;
    private readonly IReadOnlyList<IReadOnlySet<string>> _merged;

    private readonly MadePod? _made;

    private RestoreTargets(
        IReadOnlyList<ContainerTarget?> targets, IReadOnlyList<Finding> findings, IReadOnlyList<IReadOnlySet<string>>? merged = null, MadePod? made = null)
    {
        _made = made;
        _targets = targets;
        _merged = merged ?? [.. targets.Select(static _ => Nothing)];
        Findings = findings;
    }

    /// <summary>Notes about the place as a whole, and what of a pod is not shared in it as it was.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>The operation's journal entry where a pod was made, which has to be known before anything else; null else.</summary>
    public OpenJournalEntry? Journal => _made?.Journal;

    /// <summary>The placeholder of a tree; null for a plain one.</summary>
    public ContainerTarget? this[int tree] => _targets[tree];

    /// <summary>Destinations in a tree's container that containers have, too, which run in its pod and are not restored.</summary>
    public IReadOnlySet<string> Merged(int tree) => _merged[tree];

    /// <param name="services">The engine.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="record">Of the snapshot.</param>
    /// <param name="begin">The operation's first journal entry, for a pod that has to be made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="UsageException">
    /// As <see cref="ContainerTarget.FindAsync"/>; and <c>pod-snapshot</c>: a pod is needed, <c>placeholder-missing</c>: the pod has no
    /// running container of a name; and those of <see cref="IContainerRuntime.FindPodAsync"/>.
    /// </exception>
    public static async Task<RestoreTargets> FindAsync(
        EngineServices services, RestoreRequest request, WorkloadRecord record, Func<JournalEntry> begin, CancellationToken cancellationToken)
    {
        if (record.Pod is not { } pod)
        {
            var target = await ContainerTarget.FindAsync(services, request, record.Container, cancellationToken).ConfigureAwait(false);
            return target is not null ? await AmongAsync(services, [target], [record.Container!], cancellationToken).ConfigureAwait(false)
                : request.Create ? await MadeAsync(services, begin(), null, [record.Container!], cancellationToken).ConfigureAwait(false)
                : new RestoreTargets([null], []);
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
            : await MadeAsync(services, begin(), pod, [.. pod.Members.Select(static m => m.Workload.Container!)], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>For a verdict: as <see cref="FindAsync"/>, but nothing is made. A place that is not named, or not there yet, is unknown, and a note says so.</summary>
    public static Task<RestoreTargets> LookAsync(EngineServices services, RestoreRequest request, WorkloadRecord record, CancellationToken cancellationToken)
    {
        var label = record.Pod is { } pod ? $"pod {pod.Label}" : record.Container is { } part ? $"container {part.Record.Label}" : null;
        if (label is null || request.Into is not null)
        {
            return FindAsync(services, request, record, static () => throw new InvalidOperationException("A verdict makes no pod."), cancellationToken);
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
    public void Keep() => _made?.Keep();

    public ValueTask DisposeAsync() => _made?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task<RestoreTargets> MadeAsync(
        EngineServices services, JournalEntry begin, PodPart? pod, IReadOnlyList<ContainerPart> parts, CancellationToken cancellationToken)
    {
        var made = await MadePod.CreateAsync(services, begin, parts, pod?.Shared ?? [], cancellationToken).ConfigureAwait(false);
        return new RestoreTargets(made.Targets, [.. made.Findings, .. pod is null ? [] : PodPlacement.Check(pod, made.Targets)], made: made);
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
            targets.Add(await ContainerTarget.OfAsync(running.First(r => r.Name == member.Name)).ConfigureAwait(false));
        }

        var others = running.Select(static r => r.Name).Except(pod.Members.Select(static m => m.Name), StringComparer.Ordinal).ToList();
        List<Finding> findings = others.Count == 0 ? [] :
        [
            new Finding(
                "container-not-in-snapshot", FindingSeverity.Note, FindingList.Enumerate(others), "it runs in the new pod, and the snapshot has no such container", "nothing",
                "nothing: it runs on; what it shares with them is not emptied (mount-in-use)"),
        ];
        var placed = await AmongAsync(services, targets, [.. pod.Members.Select(static m => m.Workload.Container!)], cancellationToken).ConfigureAwait(false);
        return new RestoreTargets(targets, [.. findings, .. PodPlacement.Check(pod, targets), .. placed.Findings], placed._merged);
    }

    /// <summary>Placeholders in a pod in which others may run.</summary>
    private static async Task<RestoreTargets> AmongAsync(
        EngineServices services, List<ContainerTarget> targets, IReadOnlyList<ContainerPart> parts, CancellationToken cancellationToken)
    {
        var neighbours = await Neighbours.FindAsync(services, targets[0].Record.SandboxId, [.. targets.Select(static t => t.Record.Id)], cancellationToken).ConfigureAwait(false);
        FindingList findings = new();
        var merged = await DedicatedThread
            .Run("look at neighbours", () => targets.Select((t, i) => Neighbours.Shared(parts[i], t, neighbours, findings)).ToList()).ConfigureAwait(false);
        return new RestoreTargets(targets, findings.ToVerdict().Findings, merged);
    }
}
