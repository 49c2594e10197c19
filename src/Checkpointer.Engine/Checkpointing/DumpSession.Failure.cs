using Checkpointer.Engine.Recovery;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>What is done and said when a dump did not end well: look at the workload, mend it, report what was seen.</summary>
internal sealed partial class DumpSession
{
    /// <summary>Checks that the workload is what this operation promised: running on, or gone.</summary>
    private async Task VerifyWorkloadAsync()
    {
        var rescue = new WorkloadRescue(_services.Logger, _services.Time);
        var report = await rescue.MendAsync(Journal.Entry, CancellationToken.None).ConfigureAwait(false);
        if (_request.LeaveRunning && report.State == WorkloadState.Unknown)
        {
            throw new AttentionException(
                "not-thawed",
                $"The workload was dumped but {report.Detail}.",
                "Look at the process; `kill -CONT` resumes a stopped one.")
            {
                Workload = WorkloadState.Unknown,
            };
        }

        if (!_request.LeaveRunning && report.State != WorkloadState.Gone)
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
        var rescue = new WorkloadRescue(_services.Logger, _services.Time);
        var report = await rescue.MendAsync(Journal.Entry with { Frozen = true }, CancellationToken.None).ConfigureAwait(false);
        if (_committed is { } snapshot && !_request.LeaveRunning && report.State != WorkloadState.Gone)
        {
            await SupersedeAsync(snapshot).ConfigureAwait(false);
        }

        var log = File.Exists(LogPath) ? LogPath : null;
        if (report.State == WorkloadState.Unknown)
        {
            return new AttentionException(
                "not-thawed",
                $"{error.Message} Afterwards {report.Detail}.",
                "Look at the process; `kill -CONT` resumes a stopped one.",
                error)
            {
                Workload = WorkloadState.Unknown,
                SnapshotDurable = _committed is not null,
                LogFile = log,
            };
        }

        Journal.Close();
        return Outcome.With(error, report.State, _committed is not null, log);
    }

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
