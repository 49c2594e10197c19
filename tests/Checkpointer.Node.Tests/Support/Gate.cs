namespace Checkpointer.Node.Tests;

/// <summary>A scripted checkpoint that says when it began and goes on when it is let; cancelling it rolls back like the engine.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Started => _started.Task;

    public void Open() => _opened.TrySetResult();

    public async Task<CheckpointResult> RunAsync(
        string id, CheckpointRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        progress?.Report(new OperationProgress { Phase = OperationPhase.Inspect });
        _started.TrySetResult();
        try
        {
            await _opened.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCancelledException("cancelled", "Cancelled; the workload runs.", null, e)
            {
                Workload = WorkloadState.Running,
            };
        }

        return ScriptedEngine.Result(id, request);
    }
}
