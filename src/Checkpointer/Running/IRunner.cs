using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Running;

/// <summary>
/// Who does the work: the node service, or the engine in this process. Both throw <see cref="CheckpointerException"/>s; cancelling
/// rolls back first and then surfaces as <see cref="OperationCancelledException"/>.
/// </summary>
internal interface IRunner : IAsyncDisposable
{
    /// <summary>Whether it has repositories and keys of its own, so that a request may leave them out.</summary>
    bool HasRepositories { get; }

    /// <summary>Whether its repositories are configured, each with its key.</summary>
    Task<bool> HasKeysAsync(CancellationToken cancellationToken);

    /// <summary>Whether a restored tree can inherit this process's standard streams.</summary>
    bool CanInherit { get; }

    Task<CheckpointResult> CheckpointAsync(
        CheckpointRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken);

    Task<RestoreResult> RestoreAsync(RestoreRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken);

    Task<PreflightReport> PreflightAsync(PreflightRequest request, CancellationToken cancellationToken);

    /// <summary>Completes when the root of a restored tree has ended.</summary>
    Task<TreeExit> WaitForTreeAsync(string operation, CancellationToken cancellationToken);

    /// <summary>Sends a signal, by its number, to the root of a restored tree.</summary>
    Task SignalTreeAsync(string operation, int signal, CancellationToken cancellationToken);
}
