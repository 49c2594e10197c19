namespace Checkpointer.Engine;

/// <summary>
/// The engine as its users see it: the node service, the command line and their tests. Every method throws from the tree of
/// <see cref="CheckpointerException"/>; cancellation surfaces as <see cref="OperationCancelledException"/> with the workload running.
/// </summary>
public interface IEngine
{
    Task<CheckpointResult> CheckpointAsync(
        string operationId, CheckpointRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken);

    Task<RestoreResult> RestoreAsync(
        string operationId, RestoreRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken);

    /// <summary>Says what <see cref="CheckpointAsync"/> would say of a process tree before it touches anything.</summary>
    Task<PreflightReport> PreflightProcessAsync(int pid, PreflightOptions options, CancellationToken cancellationToken);

    /// <summary>The same for a container, as <see cref="Containers.IContainerRuntime.FindAsync"/> understands names.</summary>
    Task<PreflightReport> PreflightContainerAsync(string container, PreflightOptions options, CancellationToken cancellationToken);

    /// <summary>The same for all containers of a pod together, as <see cref="Containers.IContainerRuntime.FindPodAsync"/> understands names.</summary>
    Task<PreflightReport> PreflightPodAsync(string pod, PreflightOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// Says what <see cref="RestoreAsync"/> would say of a snapshot and the place that the request names, before it touches anything. Of a container's snapshot
    /// without a place, or with one that is still to be made, only what the node tells; a note says so.
    /// </summary>
    /// <param name="request">Of it count <c>Snapshot</c> or <c>Latest</c>, <c>Repository</c>, <c>KeyFile</c>, <c>Into</c>, <c>Create</c> and <c>Gpus</c>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<PreflightReport> PreflightSnapshotAsync(RestoreRequest request, CancellationToken cancellationToken);

    /// <summary>Ends what a killed engine left behind. Safe to call at every start and beside running operations.</summary>
    Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken);

    /// <summary>Completes when the root of the tree that <paramref name="operationId"/> restored has ended.</summary>
    Task<TreeExit> WaitForTreeAsync(string operationId, CancellationToken cancellationToken);

    /// <summary>Sends a signal to the root of a restored tree.</summary>
    Task SignalTreeAsync(string operationId, int signal, CancellationToken cancellationToken);
}
