using Checkpointer.Engine.Containers;

namespace Checkpointer.Node.Cri;

/// <summary>Which container or pod a person means. Names may be anybody's: they are compared, never interpreted.</summary>
internal static class ContainerNames
{
    /// <summary>Characters of an id that may stand for the whole.</summary>
    public const int MinPrefix = 4;

    /// <summary>Characters of an id that are shown.</summary>
    public const int ShownId = 12;

    /// <summary>More do not help to choose.</summary>
    private const int MaxCandidates = 5;

    private const string ListThem = "'checkpointer containers' lists what runs.";

    public static string Short(string id) => id.Length <= ShownId ? id : id[..ShownId];

    /// <summary>The one container of that name, id or beginning of an id; see <see cref="IContainerRuntime.FindAsync"/>.</summary>
    public static ContainerSummary Find(IReadOnlyList<ContainerSummary> all, string name)
    {
        if (all.FirstOrDefault(c => c.Id == name) is { } exact)
        {
            return RequireRunning(exact, name);
        }

        var matches = all.Where(c => Matches(c, name)).ToList();
        var running = matches.Where(IsRunning).ToList();
        return (running.Count, matches.Count) switch
        {
            (1, _) => running[0],
            (0, 0) => throw new UsageException("container-not-found", $"there is no container '{name}'", $"{ListThem} Name it by id, NAME, POD/NAME or NAMESPACE/POD/NAME."),
            (0, _) => RequireRunning(matches.MaxBy(c => c.Created)!, name),
            _ => throw new UsageException(
                "container-ambiguous",
                $"'{name}' may be {Enumerate(running.Select(c => $"{c.Label} ({Short(c.Id)})"))}",
                running.DistinctBy(c => c.Label).Count() == 1 ? "Name it by its id." : "Name it as NAMESPACE/POD/NAME, or by its id."),
        };
    }

    /// <summary>The one pod of that name or id; see <see cref="IContainerRuntime.FindPodAsync"/>.</summary>
    public static PodSummary FindPod(IReadOnlyList<PodSummary> all, string name)
    {
        if (all.FirstOrDefault(p => p.Id == name) is { } exact)
        {
            return RequireReady(exact, name);
        }

        var matches = all.Where(p => p.Name == name || p.Label == name || IsPrefix(p.Id, name)).ToList();
        var ready = matches.Where(p => p.IsReady).ToList();
        return (ready.Count, matches.Count) switch
        {
            (1, _) => ready[0],
            (0, 0) => throw new UsageException("pod-not-found", $"there is no pod '{name}'", $"{ListThem} Name the pod by NAME or NAMESPACE/NAME."),
            (0, _) => RequireReady(matches[0], name),
            _ => throw new UsageException(
                "pod-ambiguous",
                $"'{name}' may be {Enumerate(ready.Select(p => $"{p.Label} ({Short(p.Id)})"))}",
                ready.DistinctBy(p => p.Label).Count() == 1
                    ? "Name it by its sandbox's id."
                    : "Name it as NAMESPACE/NAME, or by its sandbox's id."),
        };
    }

    public static UsageException PodNotRunning(string name) => new(
        "pod-not-running", $"nothing runs in the pod '{name}'", "Only running containers can be checkpointed.");

    private static bool Matches(ContainerSummary container, string name)
    {
        return container.Name == name || container.Label == name || IsPrefix(container.Id, name)
            || (container.PodName is { } pod && $"{pod}/{container.Name}" == name);
    }

    private static bool IsPrefix(string id, string text) => text.Length >= MinPrefix && id.StartsWith(text, StringComparison.Ordinal);

    private static bool IsRunning(ContainerSummary container) => container.State == "running";

    private static ContainerSummary RequireRunning(ContainerSummary container, string name)
    {
        return IsRunning(container) ? container : throw new UsageException(
            "container-not-running",
            $"'{name}' does not run: the state of {container.Label} ({Short(container.Id)}) is {container.State}",
            "Only a running container can be checkpointed or restored into.");
    }

    private static PodSummary RequireReady(PodSummary pod, string name) => pod.IsReady ? pod : throw PodNotRunning(name);

    private static string Enumerate(IEnumerable<string> labels)
    {
        var all = labels.Order(StringComparer.Ordinal).ToList();
        var rest = all.Count - MaxCandidates;
        return string.Join(", ", all.Take(MaxCandidates)) + (rest > 0 ? $" or {rest} more" : "");
    }
}
