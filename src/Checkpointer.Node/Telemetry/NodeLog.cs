using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>Every record that the service logs.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(EventIds.ServiceStarting, LogLevel.Information,
        "Checkpointer {Version} starts on {Socket}: memory {Memory}, at most {MaxConcurrent} operations at once, "
        + "state in {StateDirectory}")]
    public static partial void ServiceStarting(
        ILogger logger, string version, string socket, string memory, int maxConcurrent, string stateDirectory);

    [LoggerMessage(EventIds.RepositoriesOpen, LogLevel.Warning,
        "No repository is configured: requests of root name their own repositories and key files")]
    public static partial void RepositoriesOpen(ILogger logger);

    [LoggerMessage(EventIds.RuntimeLost, LogLevel.Warning, "The container runtime does not answer: {Error}")]
    public static partial void RuntimeLost(ILogger logger, string error);

    [LoggerMessage(EventIds.RuntimeBack, LogLevel.Information, "The container runtime answers again; it has {Containers} containers")]
    public static partial void RuntimeBack(ILogger logger, int containers);

    [LoggerMessage(EventIds.LogsLeft, LogLevel.Warning, "{Directory}, logs of a pod that was removed, could not be removed")]
    public static partial void LogsLeft(ILogger logger, Exception error, string directory);

    [LoggerMessage(EventIds.ServiceReady, LogLevel.Information, "Ready after {ElapsedMs:0} ms")]
    public static partial void ServiceReady(ILogger logger, double elapsedMs);

    [LoggerMessage(EventIds.ServiceStopping, LogLevel.Information,
        "Stopping: nothing new is taken; {Running} running operations have {Seconds:0} s before they are rolled back")]
    public static partial void ServiceStopping(ILogger logger, int running, double seconds);

    [LoggerMessage(EventIds.RollingBack, LogLevel.Warning,
        "Rolling back operations {Operations}: they did not finish in time for the stop")]
    public static partial void RollingBack(ILogger logger, string operations);

    [LoggerMessage(EventIds.RollbackOverdue, LogLevel.Critical,
        "{Running} operations were not rolled back within {Seconds:0} s; the next start recovers them from the journal")]
    public static partial void RollbackOverdue(ILogger logger, int running, double seconds);

    [LoggerMessage(EventIds.ServiceStopped, LogLevel.Information, "Stopped")]
    public static partial void ServiceStopped(ILogger logger);

    [LoggerMessage(EventIds.WatchdogSilent, LogLevel.Critical,
        "The operation loop did not answer within {Seconds:0} s: the watchdog is not fed, so that systemd restarts the service")]
    public static partial void WatchdogSilent(ILogger logger, double seconds);

    [LoggerMessage(EventIds.NotifyFailed, LogLevel.Warning, "The service manager could not be told: {Error}")]
    public static partial void NotifyFailed(ILogger logger, string error);

    [LoggerMessage(EventIds.RecoveryDone, LogLevel.Information, "Recovery is over: {Count} interrupted operations")]
    public static partial void RecoveryDone(ILogger logger, int count);

    [LoggerMessage(EventIds.RecoveredOperation, LogLevel.Warning,
        "Recovered operation {Operation} ({Kind}, interrupted in {Phase}): {Outcome}. {Message}")]
    public static partial void RecoveredOperation(
        ILogger logger, string operation, string kind, string phase, string outcome, string message);

    [LoggerMessage(EventIds.RecoveryAttention, LogLevel.Critical,
        "Operation {Operation} ({Kind}, interrupted in {Phase}) needs a person: {Message}")]
    public static partial void RecoveryAttention(ILogger logger, string operation, string kind, string phase, string message);

    [LoggerMessage(EventIds.RecoveryFailed, LogLevel.Critical, "Recovery failed, so nothing is accepted")]
    public static partial void RecoveryFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventIds.OperationAccepted, LogLevel.Information, "Operation {Operation} ({Kind} of {Subject}) accepted")]
    public static partial void OperationAccepted(ILogger logger, string operation, string kind, string subject);

    [LoggerMessage(EventIds.OperationCancelRequested, LogLevel.Information, "Operation {Operation} is to be cancelled")]
    public static partial void OperationCancelRequested(ILogger logger, string operation);

    [LoggerMessage(EventIds.PeerRefused, LogLevel.Warning, "Refused a caller with uid {Uid} (pid {Pid}): only root may use the service")]
    public static partial void PeerRefused(ILogger logger, uint uid, int pid);

    [LoggerMessage(EventIds.RequestFailed, LogLevel.Error, "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string method, string path, Exception exception);

    /// <summary>The one record of a finished operation, with the time of each phase.</summary>
    public static void Finished(ILogger logger, OperationResource state, OperationFigures? figures, Exception? exception)
    {
        var totalMs = state.Finished is { } finished ? (finished - state.Started).TotalMilliseconds : 0;
        var timings = Timings(figures?.Timings ?? PhaseTimes(state));
        if (state.Outcome == OperationOutcomes.Succeeded)
        {
            Succeeded(logger, state, figures, totalMs, timings);
            return;
        }

        var error = state.Error ?? throw new InvalidOperationException("An operation that did not succeed has an error.");

        // The stack helps where the exception is not one of ours; where it is, its text says everything.
        var unexpected = exception is CheckpointerException or OperationCanceledException ? null : exception;
        if (error.ExitCode == (int)ExitCode.Attention)
        {
            OperationAttention(logger, unexpected, state.Id, state.Kind, state.Subject, error.Code, error.Message, totalMs, timings);
        }
        else if (state.Outcome == OperationOutcomes.Cancelled)
        {
            OperationCancelled(logger, unexpected, state.Id, state.Kind, state.Subject, error.WorkloadState, totalMs, timings);
        }
        else if (error.ExitCode is (int)ExitCode.Usage or (int)ExitCode.Refused)
        {
            OperationRefused(logger, state.Id, state.Kind, state.Subject, error.Code, error.Message, totalMs);
        }
        else
        {
            OperationFailed(
                logger, unexpected, state.Id, state.Kind, state.Subject, error.Code, error.Message, error.WorkloadState,
                error.SnapshotDurable, totalMs, timings);
        }
    }

    private static void Succeeded(ILogger logger, OperationResource state, OperationFigures? figures, double totalMs, string timings)
    {
        var snapshot = figures?.Snapshot ?? "-";
        if (state.Kind == OperationKinds.Checkpoint)
        {
            CheckpointSucceeded(
                logger, state.Id, state.Kind, state.Subject, snapshot, totalMs, figures?.FrozenMs ?? 0, figures?.BytesCaptured ?? 0,
                figures?.BytesStored ?? 0, timings);
        }
        else
        {
            RestoreSucceeded(logger, state.Id, state.Kind, state.Subject, snapshot, totalMs, timings);
        }
    }

    [LoggerMessage(EventIds.RestoreSucceeded, LogLevel.Information,
        "Operation {Operation} ({Kind} of {Subject}) succeeded: snapshot {Snapshot}, {TotalMs:0} ms; {Timings}")]
    private static partial void RestoreSucceeded(
        ILogger logger, string operation, string kind, string subject, string snapshot, double totalMs, string timings);

    [LoggerMessage(EventIds.CheckpointSucceeded, LogLevel.Information,
        "Operation {Operation} ({Kind} of {Subject}) succeeded: snapshot {Snapshot}, {TotalMs:0} ms, frozen {FrozenMs:0} ms, "
        + "captured {BytesCaptured} bytes, stored {BytesStored} bytes; {Timings}")]
    private static partial void CheckpointSucceeded(
        ILogger logger, string operation, string kind, string subject, string snapshot, double totalMs, double frozenMs,
        long bytesCaptured, long bytesStored, string timings);

    [LoggerMessage(EventIds.OperationFailed, LogLevel.Error,
        "Operation {Operation} ({Kind} of {Subject}) failed: {Code}: {Error} Workload {Workload}, "
        + "snapshot durable {SnapshotDurable}, {TotalMs:0} ms; {Timings}")]
    private static partial void OperationFailed(
        ILogger logger, Exception? exception, string operation, string kind, string subject, string code, string error, string workload,
        bool? snapshotDurable, double totalMs, string timings);

    [LoggerMessage(EventIds.OperationRefused, LogLevel.Warning,
        "Operation {Operation} ({Kind} of {Subject}) was refused: {Code}: {Error} Nothing was touched. {TotalMs:0} ms")]
    private static partial void OperationRefused(
        ILogger logger, string operation, string kind, string subject, string code, string error, double totalMs);

    [LoggerMessage(EventIds.OperationCancelled, LogLevel.Warning,
        "Operation {Operation} ({Kind} of {Subject}) was cancelled: workload {Workload}, {TotalMs:0} ms; {Timings}")]
    private static partial void OperationCancelled(
        ILogger logger, Exception? exception, string operation, string kind, string subject, string workload, double totalMs,
        string timings);

    [LoggerMessage(EventIds.OperationAttention, LogLevel.Critical,
        "Operation {Operation} ({Kind} of {Subject}) needs a person: {Code}: {Error} {TotalMs:0} ms; {Timings}")]
    private static partial void OperationAttention(
        ILogger logger, Exception? exception, string operation, string kind, string subject, string code, string error,
        double totalMs, string timings);

    [LoggerMessage(EventIds.HistoryFailed, LogLevel.Warning,
        "The record of finished operation {Operation} could not be kept or read; nothing else depends on it")]
    public static partial void HistoryFailed(ILogger logger, Exception exception, string operation);

    private static string Timings(IEnumerable<KeyValuePair<string, double>> timings)
    {
        return string.Join(' ', timings.Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Key}={t.Value:0.#}ms")));
    }

    private static IEnumerable<KeyValuePair<string, double>> PhaseTimes(OperationResource state)
    {
        for (var i = 0; i + 1 < state.Phases.Count; i++)
        {
            yield return new(state.Phases[i].Phase, state.Phases[i + 1].AtMs - state.Phases[i].AtMs);
        }
    }
}
