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
    /// Makes a sandbox and in it a container that waits for its restore: the same image, mounts, environment and limits as
    /// <paramref name="record"/>, but <paramref name="init"/> (a path on this node) mounted read-only and run as PID 1.
    /// What was made is removed again when it fails.
    /// </summary>
    /// <exception cref="UsageException">Code <c>image-missing</c>: the image is not on this node and cannot be pulled.</exception>
    Task<ContainerRecord> CreatePlaceholderAsync(ContainerRecord record, string init, CancellationToken cancellationToken);

    /// <summary>The same for all containers of a pod, in one sandbox.</summary>
    /// <returns>As many, in any order.</returns>
    /// <exception cref="UsageException">Code <c>image-missing</c>.</exception>
    /// <exception cref="HostException">Code <c>pods-not-made</c>: this runtime makes no pod of several containers.</exception>
    async Task<IReadOnlyList<ContainerRecord>> CreatePodAsync(IReadOnlyList<ContainerRecord> records, string init, CancellationToken cancellationToken) =>
        records is [var only]
            ? [await CreatePlaceholderAsync(only, init, cancellationToken).ConfigureAwait(false)]
            : throw new HostException("pods-not-made", "This container runtime makes no pods of several containers.", "Make the pod, and name it with --into.");

    /// <summary>Stops and removes a container that <see cref="CreatePlaceholderAsync"/> or <see cref="CreatePodAsync"/> made, with its sandbox.</summary>
    Task RemovePlaceholderAsync(ContainerRecord placeholder, CancellationToken cancellationToken);
}
