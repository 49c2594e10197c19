using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>Lists of what a runtime has.</summary>
internal static class CriLists
{
    private const string PodNameLabel = "io.kubernetes.pod.name";
    private const string PodNamespaceLabel = "io.kubernetes.pod.namespace";

    public static async Task<IReadOnlyList<PodSummary>> PodsAsync(CriConnection connection, CancellationToken cancellationToken)
    {
        var answer = await connection.CallAsync(
            "listing the pods", o => connection.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest(), o), CriConnection.Short, cancellationToken)
            .ConfigureAwait(false);
        return [.. answer.Items.Select(PodSummary.Of)];
    }

    /// <summary>Every container with its pod's names. A sandbox's own process is none.</summary>
    public static async Task<IReadOnlyList<ContainerSummary>> ContainersAsync(CriConnection connection, CancellationToken cancellationToken)
    {
        // Containers first: a pod that is made in between has none that we know.
        var answer = await connection.CallAsync(
            "listing the containers",
            o => connection.Runtime.ListContainersAsync(new ListContainersRequest(), o),
            CriConnection.Short,
            cancellationToken).ConfigureAwait(false);
        var names = await CriImages.NamesAsync(connection, cancellationToken).ConfigureAwait(false);
        var pods = (await PodsAsync(connection, cancellationToken).ConfigureAwait(false)).DistinctBy(p => p.Id).ToDictionary(p => p.Id);
        return [.. answer.Containers.Select(c => Summary(c, pods.GetValueOrDefault(c.PodSandboxId), names))];
    }

    private static ContainerSummary Summary(Container container, PodSummary? pod, IReadOnlyDictionary<string, string> names) => new()
    {
        Id = container.Id,
        Name = container.Metadata?.Name is { Length: > 0 } name ? name : ContainerNames.Short(container.Id),
        PodName = pod?.Name ?? container.Labels.GetValueOrDefault(PodNameLabel),
        PodNamespace = pod?.Namespace ?? container.Labels.GetValueOrDefault(PodNamespaceLabel),
        SandboxId = container.PodSandboxId is { Length: > 0 } sandbox ? sandbox : null,
        Image = container.Image?.UserSpecifiedImage is { Length: > 0 } asked ? asked : ImageName(container, names),
        State = State(container.State),
        Created = Time(container.CreatedAt),
    };

    /// <summary>kubelet asks for images by id: a person knows them by name.</summary>
    private static string ImageName(Container container, IReadOnlyDictionary<string, string> names)
    {
        var image = container.Image?.Image ?? "";
        return names.GetValueOrDefault(image) ?? names.GetValueOrDefault(container.ImageRef) ?? image;
    }

    private static string State(ContainerState state) => state switch
    {
        ContainerState.ContainerCreated => "created",
        ContainerState.ContainerRunning => "running",
        ContainerState.ContainerExited => "exited",
        _ => "unknown",
    };

    /// <summary>Nanoseconds after 1970; what no clock can show is the earliest time.</summary>
    private static DateTimeOffset Time(long nanoseconds)
    {
        const long NanosecondsPerTick = 100;
        return DateTimeOffset.UnixEpoch.AddTicks(Math.Max(0, nanoseconds) / NanosecondsPerTick);
    }
}
