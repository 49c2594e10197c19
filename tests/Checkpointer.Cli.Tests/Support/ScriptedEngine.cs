using Checkpointer.Engine;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>An engine without CRIU: answers with the samples, tells its phases, and remembers the order of calls.</summary>
internal sealed class ScriptedEngine : IEngine
{
    private readonly Lock _lock = new();
    private readonly List<string> _calls = [];

    public RecoveryReport Recovery { get; init; } = new() { Operations = [] };

    /// <summary>Thrown by the next checkpoint.</summary>
    public Exception? Error { get; set; }

    /// <summary>When set, a checkpoint waits for it and is cancelled like the real one.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CheckpointRequest? Request { get; private set; }

    public TaskCompletionSource<TreeExit> Exit { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    public async Task<CheckpointResult> CheckpointAsync(
        string operationId, CheckpointRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        Note("checkpoint");
        Request = request;
        progress?.Report(new OperationProgress { Phase = OperationPhase.Inspect });
        progress?.Report(new OperationProgress { Phase = OperationPhase.Dump, BytesDone = 1 << 20, BytesTotal = 1 << 20 });
        Started.TrySetResult();
        if (Gate is { } gate)
        {
            try
            {
                await gate.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                throw new OperationCancelledException("cancelled", "the checkpoint was cancelled") { Workload = WorkloadState.Running };
            }
        }

        return Error is null ? Samples.Checkpoint with { Operation = operationId } : throw Error;
    }

    public Task<RestoreResult> RestoreAsync(
        string operationId, RestoreRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        Note("restore");
        return Task.FromResult(Samples.Restore with { Operation = operationId, Pid = Environment.ProcessId });
    }

    public Task<PreflightReport> PreflightProcessAsync(int pid, PreflightOptions options, CancellationToken cancellationToken)
    {
        Note("preflight");
        return Task.FromResult(Samples.Preflight);
    }

    public Task<PreflightReport> PreflightContainerAsync(string container, PreflightOptions options, CancellationToken cancellationToken)
    {
        Note("preflight-container");
        return Task.FromResult(Samples.Preflight with { Subject = "container " + container });
    }

    public Task<PreflightReport> PreflightPodAsync(string pod, PreflightOptions options, CancellationToken cancellationToken)
    {
        Note("preflight-pod");
        return Task.FromResult(Samples.Preflight with { Subject = "pod " + pod });
    }

    public Task<PreflightReport> PreflightSnapshotAsync(RestoreRequest request, CancellationToken cancellationToken)
    {
        Note("preflight-snapshot");
        return Task.FromResult(Samples.Preflight with { Subject = request.Snapshot! });
    }

    public Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken)
    {
        Note("recover");
        return Task.FromResult(Recovery);
    }

    public Task<TreeExit> WaitForTreeAsync(string operationId, CancellationToken cancellationToken)
    {
        Note("wait");
        return Exit.Task.WaitAsync(cancellationToken);
    }

    public Task SignalTreeAsync(string operationId, int signal, CancellationToken cancellationToken)
    {
        Note($"signal {signal}");
        Exit.TrySetResult(new TreeExit(null, signal));
        return Task.CompletedTask;
    }

    private void Note(string call)
    {
        lock (_lock)
        {
            _calls.Add(call);
        }
    }
}
