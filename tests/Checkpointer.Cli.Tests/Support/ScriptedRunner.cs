using Checkpointer.Cli.Running;
using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>Does what the test says, and remembers what it was asked.</summary>
internal sealed class ScriptedRunner : IRunner
{
    public bool HasRepositories { get; init; }

    public bool HasKeys { get; init; }

    public bool CanInherit { get; init; } = true;

    public List<CheckpointRequest> Checkpoints { get; } = [];

    public List<RestoreRequest> Restores { get; } = [];

    public List<PreflightRequest> Preflights { get; } = [];

    public List<(string Operation, int Signal)> Signals { get; } = [];

    public bool Disposed { get; private set; }

    public Func<CheckpointRequest, IProgress<OperationProgress>, CancellationToken, Task<CheckpointResult>> OnCheckpoint { get; set; } =
        static (_, _, _) => Task.FromResult(Samples.Checkpoint);

    public Func<RestoreRequest, IProgress<OperationProgress>, CancellationToken, Task<RestoreResult>> OnRestore { get; set; } =
        static (_, _, _) => Task.FromResult(Samples.Restore);

    public Func<PreflightRequest, Task<PreflightReport>> OnPreflight { get; set; } = static _ => Task.FromResult(Samples.Preflight);

    public Func<CancellationToken, Task<TreeExit>> OnWait { get; set; } = static _ => Task.FromResult(new TreeExit(0, null));

    public Func<int, Task> OnSignal { get; set; } = static _ => Task.CompletedTask;

    public Task<bool> HasKeysAsync(CancellationToken cancellationToken) => Task.FromResult(HasKeys);

    public Task<CheckpointResult> CheckpointAsync(
        CheckpointRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        Checkpoints.Add(request);
        return OnCheckpoint(request, progress, cancellationToken);
    }

    public Task<RestoreResult> RestoreAsync(
        RestoreRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        Restores.Add(request);
        return OnRestore(request, progress, cancellationToken);
    }

    public Task<PreflightReport> PreflightAsync(PreflightRequest request, CancellationToken cancellationToken)
    {
        Preflights.Add(request);
        return OnPreflight(request);
    }

    public Task<TreeExit> WaitForTreeAsync(string operation, CancellationToken cancellationToken) => OnWait(cancellationToken);

    public Task SignalTreeAsync(string operation, int signal, CancellationToken cancellationToken)
    {
        Signals.Add((operation, signal));
        return OnSignal(signal);
    }

    public ValueTask DisposeAsync()
    {
        Disposed = true;
        return ValueTask.CompletedTask;
    }
}
