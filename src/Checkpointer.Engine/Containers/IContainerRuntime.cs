using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// The node's container runtime, as far as a checkpoint needs it: which containers run, with which process. Implemented over CRI;
/// the engine itself speaks no gRPC.
/// </summary>
public interface IContainerRuntime
{
    /// <summary>Every container that the runtime knows, in no particular order.</summary>
    /// <exception cref="HostException">Code <c>runtime-unreachable</c>: no runtime answers at its socket.</exception>
    Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The one container that a person named: by id or a unique prefix of at least 4 characters, by its name, as <c>POD/CONTAINER</c> or
    /// as <c>NAMESPACE/POD/CONTAINER</c>. A running one is preferred over ended ones of the same name.
    /// </summary>
    /// <exception cref="UsageException">
    /// Codes <c>container-not-found</c>, <c>container-ambiguous</c> (the message names the candidates), <c>container-not-running</c>.
    /// </exception>
    /// <exception cref="HostException">Code <c>runtime-unreachable</c>.</exception>
    Task<ContainerRecord> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>As <see cref="FindAsync"/>, for one of <see cref="ListAsync"/>.</summary>
    Task<ContainerRecord> InspectAsync(ContainerSummary container, CancellationToken cancellationToken) =>
        FindAsync(container.Id, cancellationToken);

    /// <summary>The running containers of a pod, by <c>NAMESPACE/POD</c>, <c>POD</c>, or the sandbox's id; without the pause container.</summary>
    /// <exception cref="UsageException">Codes <c>pod-not-found</c>, <c>pod-ambiguous</c>, <c>pod-not-running</c>.</exception>
    Task<IReadOnlyList<ContainerRecord>> FindPodAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a sandbox and in it, for each record, a container that waits for its restore: the same image, mounts, environment and limits as
    /// the record, but <paramref name="init"/> mounted read-only and run as PID 1. Mounts whose source is not there are left out.
    /// What was made is removed again when it fails.
    /// </summary>
    /// <param name="records">At least one; of one pod.</param>
    /// <param name="uid">The pod's uid, by which what was made is found again, whoever made it and however far it came.</param>
    /// <param name="init">A path on this node.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>As many, in any order.</returns>
    /// <exception cref="UsageException">Code <c>image-missing</c>: an image is not on this node and cannot be pulled.</exception>
    Task<IReadOnlyList<ContainerRecord>> CreatePodAsync(IReadOnlyList<ContainerRecord> records, string uid, string init, CancellationToken cancellationToken);

    /// <summary>Stops and removes what <see cref="CreatePodAsync"/> made under a uid, and nothing else. False where there is nothing.</summary>
    Task<bool> RemovePodAsync(string uid, CancellationToken cancellationToken);

    /// <summary>The uids of all pods that <see cref="CreatePodAsync"/> made and that are still there, whatever runs in them.</summary>
    Task<IReadOnlyList<string>> MadePodsAsync(CancellationToken cancellationToken);
}
