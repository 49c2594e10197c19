using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>What a request wants checkpointed: a tree, a container, or all containers of a pod. Found, not looked at yet.</summary>
/// <param name="Roots">The root of each tree; one, but for a pod.</param>
/// <param name="Container">A container of its own; null else.</param>
/// <param name="Pod">A pod; null else.</param>
/// <param name="Restored">What this node knows of a plain tree that it restored.</param>
internal sealed record CheckpointWorkload(IReadOnlyList<ProcessIdentity> Roots, ContainerSubject? Container, PodSubject? Pod, TreeRecord? Restored)
{
    /// <summary>The owner whose pid and mount namespace a plain tree lives in; null where it lives in ours.</summary>
    public int? Owner => Restored is { OwnPidNamespace: true } tree ? tree.OwnerPid : null;

    /// <exception cref="UsageException">There is none, or it is ambiguous.</exception>
    public static async Task<CheckpointWorkload> FindAsync(EngineServices services, CheckpointRequest request, CancellationToken cancellationToken)
    {
        if (request.Pod is { } pod)
        {
            HostProbe.RequireCapabilities();
            var found = await PodSubject.FindAsync(services, pod, cancellationToken).ConfigureAwait(false);
            return new CheckpointWorkload([.. found.Members.Select(static m => m.Root)], null, found, null);
        }

        if (request.Container is { } name)
        {
            var container = await ContainerSubject.FindAsync(services, name, cancellationToken).ConfigureAwait(false);
            return new CheckpointWorkload([container.Root], container, null, null);
        }

        var root = WorkloadInspector.Identify(request.Pid!.Value);
        return new CheckpointWorkload([root], null, null, services.Trees.FindByRoot(root));
    }

    /// <summary>The last snapshot of this very workload; null where none is known.</summary>
    public SnapshotId? Last(LineageRegistry lineages) => Pod is { } pod ? lineages.FindPod(pod.SandboxId) : lineages.Find(Roots[0]);

    /// <summary>Looks at every tree.</summary>
    /// <returns>One inspection a tree, and what a pod has beyond them.</returns>
    public (IReadOnlyList<Inspection> Trees, PodInspection? Pod) Inspect(CheckpointRequest request)
    {
        if (Pod is not { } pod)
        {
            return ([Inspect(request, Roots[0], Container)], null);
        }

        var found = PodInspection.Look(pod, member => Inspect(request, member.Root, member));
        return (found.Members, found);
    }

    private Inspection Inspect(CheckpointRequest request, ProcessIdentity root, ContainerSubject? container) => WorkloadInspector.Inspect(
        root.Pid,
        new InspectOptions { Container = container, OwnedBy = Owner, LeaveRunning = request.LeaveRunning, BufferBytes = request.MemoryBytes, CriuOptions = request.CriuOptions });
}
