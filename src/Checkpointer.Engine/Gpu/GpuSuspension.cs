using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// The CUDA processes of all trees around a dump. All are locked before the first one is checkpointed: until then unlocking undoes
/// everything and costs nothing. One after the other: processes that share memory would hold each other otherwise.
/// </summary>
internal sealed class GpuSuspension : IDeviceContext
{
    /// <summary>The driver closes its files as its last deed; a look right after it may still see one.</summary>
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly EngineServices _services;
    private readonly GpuInspection _found;
    private readonly OpenJournalEntry _journal;
    private readonly GpuDriver _driver;
    private readonly GpuLedger _ledger;

    /// <param name="services">The engine's.</param>
    /// <param name="driver">Taken over: what the survey has started already need not be started while the workload waits.</param>
    /// <param name="found">What the survey found.</param>
    /// <param name="journal">The operation's entry.</param>
    public GpuSuspension(EngineServices services, GpuDriver driver, GpuInspection found, OpenJournalEntry journal)
    {
        _services = services;
        _found = found;
        _journal = journal;
        _driver = driver;
        _ledger = new GpuLedger(services, journal, _driver);
        Timings = new GpuTimings { Survey = found.Timings };
    }

    /// <inheritdoc/>
    public bool IsUsed => true;

    /// <inheritdoc/>
    public GpuRecord? RecordOf(int tree) => _found.Of(tree) is not { Processes.Count: > 0 } own ? null : new GpuRecord
    {
        Driver = own.Driver,
        Cuda = own.Cuda,
        Devices = [.. own.Devices],
        Processes = [.. own.Processes.Select(static p => new GpuRecordProcess
        {
            OwnPid = p.OwnPid,
            Growth = p.Growth,
            Devices = [.. p.Devices],
        })],
    };

    /// <inheritdoc/>
    public GpuTimings? Timings { get; }

    /// <inheritdoc/>
    public async Task SuspendAsync(CancellationToken cancellationToken)
    {
        _driver.Clock.Begin();
        _ledger.IsUndoing = false;
        _ledger.Enter(GpuStep.Locking, _found.Processes);
        foreach (var process in _found.Processes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var answer = await _driver.LockAsync(process).ConfigureAwait(false);
            _ledger.Passed("locked", process);
            ThrowIfHeld(process, answer);
            ThrowIfFailed(process, "lock", answer);
        }

        cancellationToken.ThrowIfCancellationRequested();
        _ledger.Enter(GpuStep.Checkpointing, _found.Processes);
        // How much one grew is read while the next one is checkpointed: of a large process that takes the kernel a second.
        List<Task<long>> grown = [];
        try
        {
            foreach (var process in _found.Processes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var before = _driver.Clock.Measure(GpuClock.Memory, () => Resident(process.Pid));
                var answer = await _driver.CheckpointAsync(process).ConfigureAwait(false);
                grown.Add(DedicatedThread.Run("read memory", () => process.Growth = Math.Max(0, Resident(process.Pid) - before)));
                _ledger.Passed("checkpointed", process);
                ThrowIfFailed(process, "checkpoint", answer);
            }
        }
        finally
        {
            await _driver.Clock.MeasureAsync(GpuClock.Memory, () => Task.WhenAll(grown)).ConfigureAwait(false);
        }

        await _driver.Clock.MeasureAsync(GpuClock.Release, () => CheckReleasedAsync(cancellationToken)).ConfigureAwait(false);
        _ledger.Reach(GpuStep.Checkpointed, _found.Processes);
        Timings!.Suspend = _driver.Clock.Finish();
    }

    /// <inheritdoc/>
    public void CheckImage(int tree, CaptureStatistics image)
    {
        string? owner = null;
        Dictionary<int, long> pages = [];
        foreach (var file in image.Files)
        {
            // CRIU opens a process's index of pages and right after it the pages (criu/page-xfer.c).
            if (file.Name.StartsWith("pagemap-", StringComparison.Ordinal))
            {
                owner = file.Name["pagemap-".Length..^".img".Length];
            }
            else if (file.Name.StartsWith("pages-", StringComparison.Ordinal)
                && int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                pages[pid] = file.Bytes;
                owner = null;
            }
        }

        foreach (var process in _found.Processes.Where(p => p.Tree == tree))
        {
            var held = pages.GetValueOrDefault(process.OwnPid, -1);
            if (held < process.Growth)
            {
                throw new OperationFailedException(
                    "gpu-not-captured",
                    held < 0
                        ? $"CRIU's image has no memory of CUDA process {process.Label}."
                        : $"CRIU's image has {ByteSize.Format(held)} of CUDA process {process.Label}, whose device memory alone is {ByteSize.Format(process.Growth)}.",
                    "Report this: the dump would have lost device memory.");
            }
        }
    }

    /// <inheritdoc/>
    public void AnnounceResume()
    {
        if (_journal.Entry.Gpu is not null)
        {
            _ledger.Reach(GpuStep.Resuming, _found.Processes);
        }
    }

    /// <inheritdoc/>
    public async Task<string?> ResumeAsync()
    {
        if (_journal.Entry.Gpu is not { } gpu)
        {
            return null;
        }

        _driver.Clock.Begin();
        _ledger.IsUndoing = true;
        if (gpu.Step != GpuStep.Resuming || !_journal.IsWritten)
        {
            _ledger.Enter(GpuStep.Resuming, _found.Processes);
        }

        var lost = await new GpuRescue(_driver, _ledger, _services.Logger).RunAsync(_found.Processes).ConfigureAwait(false);
        if (lost is null)
        {
            _ledger.Clear();
        }

        Timings!.Resume = _driver.Clock.Finish();
        return lost;
    }

    /// <inheritdoc/>
    public void Ended() => _ledger.Clear();

    public ValueTask DisposeAsync() => _driver.DisposeAsync();

    /// <summary>Resident memory in bytes; zero when the process is gone.</summary>
    private static long Resident(int pid)
    {
        foreach (var line in ProcText.Lines($"/proc/{pid}/smaps_rollup"))
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                var number = line["Rss:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
                return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kib) ? kib << 10 : 0;
            }
        }

        return 0;
    }

    /// <summary>The driver answers for no process that shares device memory with one that is locked: what looks like a driver that hangs is most likely that.</summary>
    private void ThrowIfHeld(GpuProcess process, GpuAnswer answer)
    {
        if (answer.Kind == GpuAnswerKind.Unknown && process != _found.Processes[0])
        {
            process.Unknown = "lock";
            throw new OperationFailedException(
                "gpu-outcome-unknown",
                $"The lock of CUDA process {process.Label}: {answer.Text}. Others of the workload were locked before it: where processes share device memory (CUDA IPC), the driver answers for none of them while one is locked.",
                "Where they do: run them without CUDA IPC, or as one job under driver r610 or newer (docs/gpu.md). Else look at the driver's messages (dmesg, Xid); it may hang.");
        }
    }

    private void ThrowIfFailed(GpuProcess process, string verb, GpuAnswer answer)
    {
        if (answer.IsDone)
        {
            return;
        }

        if (answer.Kind == GpuAnswerKind.Unknown)
        {
            process.Unknown = verb;
        }

        throw (verb, answer.Kind, answer.Code) switch
        {
            (_, GpuAnswerKind.Gone, _) => new OperationFailedException(
                "gpu-process-gone", $"CUDA process {process.Label} ended while it was being checkpointed.", "Checkpoint again."),
            (_, GpuAnswerKind.Unknown, _) => new OperationFailedException(
                "gpu-outcome-unknown", $"The {verb} of CUDA process {process.Label}: {answer.Text}.", "Look at the driver's messages (dmesg, Xid); it may hang."),
            ("lock", GpuAnswerKind.Driver, GpuAnswer.NotReady) => new OperationFailedException(
                "gpu-busy",
                $"The work that CUDA process {process.Label} had submitted did not end within {Durations.Format(_services.Options.Gpu.LockLimit)}.",
                "Checkpoint between steps; a process that waits for a peer in a collective operation never gets there once the peer is locked (docs/gpu.md)."),
            ("checkpoint", GpuAnswerKind.Driver, GpuAnswer.OutOfMemory) => new OperationFailedException(
                "gpu-host-memory",
                $"The device memory of CUDA process {process.Label} does not fit into the host's memory or its cgroup's limit, or it uses a partitioned (MIG) GPU: {answer.Text}.",
                "Give the host or the cgroup as much free memory as the process has device memory; partitioned GPUs cannot be checkpointed."),
            ("checkpoint", GpuAnswerKind.Driver, GpuAnswer.NotSupported) => new OperationFailedException(
                "gpu-not-supported",
                $"The driver cannot checkpoint CUDA process {process.Label}: {answer.Text}.",
                "It uses managed memory or shares memory with another process; docs/gpu.md says what each driver can."),
            _ => new OperationFailedException($"gpu-{verb}-failed", $"CUDA process {process.Label}: {answer.Text}.", "docs/gpu.md says what each driver can."),
        };
    }

    /// <summary>A device that is still held would be found by CRIU, after everything was frozen.</summary>
    private async Task<bool> CheckReleasedAsync(CancellationToken cancellationToken)
    {
        var start = _services.Time.GetTimestamp();
        while (true)
        {
            var held = _found.Processes
                .SelectMany(static p => ProcFd.ReadTargets(p.Pid).Where(Preflight.GpuProbe.IsGpuDevice).Select(f => $"{f} ({p.Label})"))
                .FirstOrDefault();
            if (held is null)
            {
                return true;
            }

            if (_services.Time.GetElapsedTime(start) > ReleaseLimit)
            {
                throw new OperationFailedException(
                    "gpu-still-held", $"After its checkpoint a process still holds {held}.", "It uses the GPU by other means than CUDA (NVML before r570, graphics): close those first.");
            }

            await Task.Delay(PollInterval, _services.Time, cancellationToken).ConfigureAwait(false);
        }
    }
}
