using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>
/// The end of the operations when the service is told to stop: what waits is cancelled, what runs may finish until the deadline
/// and is then rolled back. The API goes on answering meanwhile, so that clients see how their operations end.
/// </summary>
internal sealed class GracefulStop(OperationScheduler scheduler, TimeProvider time, ILogger<GracefulStop> logger)
{
    /// <summary>A rollback thaws the workload in seconds; a stuck one is found by the engine's own deadlines (60 s) before this.</summary>
    public static readonly TimeSpan RollbackTimeout = TimeSpan.FromSeconds(90);

    public async Task<ExitCode> RunAsync(TimeSpan patience, CancellationToken hurry)
    {
        NodeLog.ServiceStopping(logger, scheduler.Budget.Running, patience.TotalSeconds);
        var idle = scheduler.StopAcceptingAsync();
        if (await EndsAsync(idle, patience, hurry).ConfigureAwait(false))
        {
            return ExitCode.Done;
        }

        NodeLog.RollingBack(logger, string.Join(' ', scheduler.CancelRunning()));
        if (await EndsAsync(idle, RollbackTimeout, CancellationToken.None).ConfigureAwait(false))
        {
            return ExitCode.Done;
        }

        NodeLog.RollbackOverdue(logger, scheduler.Budget.Running, RollbackTimeout.TotalSeconds);
        return ExitCode.Attention;
    }

    private async Task<bool> EndsAsync(Task idle, TimeSpan patience, CancellationToken hurry)
    {
        try
        {
            await idle.WaitAsync(patience, time, hurry).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return idle.IsCompleted;
        }
    }
}
