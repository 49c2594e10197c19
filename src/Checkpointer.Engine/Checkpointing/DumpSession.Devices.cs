using Checkpointer.Engine.Recovery;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>The steps of a dump that a workload with devices has more than others.</summary>
internal sealed partial class DumpSession
{
    private volatile bool _deviceCalls;

    /// <summary>Calls into a driver have deadlines of their own; while one lasts, nothing stands still.</summary>
    private long DeviceProgress() => _deviceCalls ? _services.Time.GetTimestamp() : 0;

    /// <summary>
    /// The workload counts as frozen from the first lock on: it may wait for its devices. What has none runs on until all are frozen by their
    /// cgroups, and that is the moment of the snapshot: device memory does not change any more from the lock on, so it is that moment's, too.
    /// Not the other way round: a driver answers for no process that is frozen.
    /// </summary>
    private async Task SuspendDevicesAsync(Watchdog watchdog)
    {
        if (!Devices.IsUsed)
        {
            return;
        }

        Enter(OperationPhase.Gpu);
        MarkFrozen(watchdog);
        _deviceCalls = true;
        try
        {
            await Devices.SuspendAsync(_abort.Token).ConfigureAwait(false);
        }
        finally
        {
            _deviceCalls = false;
        }
    }

    /// <summary>A workload that lives gets its devices back, whatever else went wrong. Null, or what is lost.</summary>
    private async Task<string?> ResumeDevicesAsync(RescueReport seen)
    {
        if (seen.State == WorkloadState.Gone)
        {
            Devices.Ended();
            return null;
        }

        _deviceCalls = true;
        try
        {
            return await Devices.ResumeAsync().ConfigureAwait(false);
        }
        finally
        {
            _deviceCalls = false;
        }
    }

    private AttentionException NotResumed(string lost, Exception? inner) => new(
        "gpu-not-resumed",
        inner is null ? $"The workload runs, but not all of it has its GPU back: {lost}." : $"{inner.Message} Afterwards not all of the workload had its GPU back: {lost}.",
        "The named processes wait for their GPU, for ever where their state failed: end them, and restore a snapshot.",
        inner)
    {
        Workload = WorkloadState.Unknown,
        SnapshotDurable = _committed is not null,
        LogFile = ExistingLog,
    };
}
