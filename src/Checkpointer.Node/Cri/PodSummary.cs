using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>A pod's sandbox, as a list of them tells it.</summary>
internal sealed record PodSummary(string Id, string Name, string Namespace, string Uid, bool IsReady)
{
    public string Label => $"{Namespace}/{Name}";

    public static PodSummary Of(PodSandbox pod)
    {
        return new PodSummary(
            pod.Id, pod.Metadata?.Name ?? "", pod.Metadata?.Namespace ?? "", pod.Metadata?.Uid ?? "", pod.State == PodSandboxState.SandboxReady);
    }
}
