using Checkpointer.Engine.Recovery;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>What is done and said when a dump did not end well: look at the workload, mend it, report what was seen.</summary>
internal sealed partial class DumpSession
{
    private Task<RescueReport> LookAsync() =>
        new WorkloadRescue(_services.Logger, _services.Time).MendAllAsync(Journal.Entry, CancellationToken.None);

    /// <summary>Checks that the workload is what this operation promised: running on, or gone.</summary>
    private void CheckWorkload(RescueReport seen)
    {
        if (seen.State == WorkloadState.Unknown)
        {
            throw NotThawed($"The workload was dumped but {seen.Detail}.", null);
        }

        if (!_request.LeaveRunning && seen.State != WorkloadState.Gone)
        {
            throw new OperationFailedException(
                "not-ended",
                "CRIU said that it ended the workload, but it still runs.",
                "The snapshot is marked superseded; end the workload yourself or go on with it.");
        }
    }

    /// <summary>Brings the workload back, marks a snapshot that it outlived, and makes the error that says all of it.</summary>
    private async Task<CheckpointerException> FailAsync(Exception error)
    {
        EngineLog.CheckpointFailed(_services.Logger, error, _id);
        try
        {
            return await RollBackAsync(error).ConfigureAwait(false);
        }
        catch (Exception broken)
        {
            // Whatever went wrong here, nobody looked to the end: that must not read as "nothing happened".
            EngineLog.CleanupFailed(_services.Logger, broken, _id, "the failed dump");
            return NotThawed($"{error.Message} Afterwards its state could not be found out: {broken.Message}", error);
        }
    }

    private async Task<CheckpointerException> RollBackAsync(Exception error)
    {
        var report = await new WorkloadRescue(_services.Logger, _services.Time)
            .MendAllAsync(Journal.Entry with { Frozen = true }, CancellationToken.None).ConfigureAwait(false);
        var lost = await ResumeDevicesAsync(report).ConfigureAwait(false);
        if (_committed is { } snapshot && !_request.LeaveRunning && report.State != WorkloadState.Gone)
        {
            await SupersedeAsync(snapshot).ConfigureAwait(false);
        }

        if (report.State == WorkloadState.Unknown)
        {
            return NotThawed($"{error.Message} Afterwards {report.Detail}.", error);
        }

        if (lost is not null)
        {
            // The entry stays open: a start that finds the process gone, or the driver answering again, ends it.
            return error is AttentionException { Code: "gpu-not-resumed" } told ? told : NotResumed(lost, error);
        }

        if (!_sealHangs)
        {
            CloseJournal();
        }

        return Outcome.With(error, report.State, _committed is not null, ExistingLog);
    }

    /// <summary>All is undone; an entry that cannot be removed makes the next start look once more, and find nothing to do.</summary>
    private void CloseJournal()
    {
        try
        {
            Journal.Close();
        }
        catch (Exception e)
        {
            EngineLog.CleanupFailed(_services.Logger, e, _id, "the journal entry");
        }
    }

    private string? ExistingLog => File.Exists(LogPath) ? LogPath : null;

    private AttentionException NotThawed(string message, Exception? inner) =>
        new("not-thawed", message, "Look at the process; `kill -CONT` resumes a stopped one.", inner)
        {
            Workload = WorkloadState.Unknown,
            SnapshotDurable = _committed is not null,
            LogFile = ExistingLog,
        };

    private async Task SupersedeAsync(SnapshotInfo snapshot)
    {
        try
        {
            await using var repository = await _services
                .OpenRepositoryAsync(_request.Repository, _request.KeyFile, CancellationToken.None).ConfigureAwait(false);
            await repository.MarkSupersededAsync(snapshot.Id, "the workload ran on after this snapshot", CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (CheckpointerException e)
        {
            // The error that is being reported says "durable and running"; the marker is a second line of defence.
            EngineLog.SupersedeFailed(_services.Logger, e, snapshot.Id.ToString());
        }
    }
}
