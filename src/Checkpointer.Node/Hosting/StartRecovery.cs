using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>Ends what a killed service left behind, before the first request is accepted, and tells what it found.</summary>
internal sealed class StartRecovery(IEngine engine, ServiceState state, OperationHistory history, TimeProvider time, ILogger<StartRecovery> logger)
{
    /// <summary>The outcome that needs a person, as <see cref="RecoveredOperation.Outcome"/> writes it.</summary>
    private const string Attention = "attention";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        RecoveryReport report;
        try
        {
            report = await engine.RecoverAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            NodeLog.RecoveryFailed(logger, e);
            throw;
        }

        foreach (var found in report.Operations)
        {
            if (found.Outcome == Attention)
            {
                NodeLog.RecoveryAttention(logger, found.Operation, found.Kind, found.Phase, found.Message);
            }
            else
            {
                NodeLog.RecoveredOperation(logger, found.Operation, found.Kind, found.Phase, found.Outcome, found.Message);
            }
        }

        NodeLog.RecoveryDone(logger, report.Operations.Count);
        history.Recovered(report);
        state.Recovered(report);
        NodeLog.ServiceReady(logger, time.GetElapsedTime(start).TotalMilliseconds);
    }
}
