using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>Undoes the GPU part of an operation whose engine died. Its tree runs already, as far as the CPU goes.</summary>
internal sealed class GpuRecovery
{
    private static readonly TimeSpan KillDeadline = TimeSpan.FromSeconds(10);

    private readonly EngineServices _services;

    public GpuRecovery(EngineServices services)
    {
        _services = services;
    }

    /// <param name="journal">The entry.</param>
    /// <param name="roots">Where each tree of a restore hangs, in which processes are looked for that the entry knows only by their own pids.</param>
    /// <param name="cancellationToken">Ends the wait for the old worker.</param>
    /// <returns>Null when every process runs or is gone, else what is lost.</returns>
    public async Task<string?> RunAsync(OpenJournalEntry journal, Func<int, IEnumerable<int>> roots, CancellationToken cancellationToken)
    {
        if (journal.Entry.Gpu is not { } gpu)
        {
            return null;
        }

        await EndWorkerAsync(gpu, cancellationToken).ConfigureAwait(false);
        var known = gpu.Processes.Select(p => GpuProcess.FromJournal(p) with { Map = p.Map ?? gpu.Map }).ToLookup(static p => p.Pid != 0);
        List<GpuProcess> processes = [.. known[true], .. GpuReturn.Find(roots, [.. known[false]])];
        if (!processes.Exists(GpuRescue.IsAlive))
        {
            return null;
        }

        var driver = new GpuDriver(_services);
        await using (driver.ConfigureAwait(false))
        {
            var ledger = new GpuLedger(_services, journal, driver) { Map = gpu.Map, IsUndoing = true };
            var lost = await new GpuRescue(driver, ledger, _services.Logger).RunAsync(processes).ConfigureAwait(false);
            if (lost is null)
            {
                ledger.Clear();
            }

            return lost;
        }
    }

    /// <summary>It carries the call that it was in to its end, and exits; a second worker beside it would only wait.</summary>
    private async Task EndWorkerAsync(JournalGpu gpu, CancellationToken cancellationToken)
    {
        using var pidFd = gpu.Worker?.Open();
        if (pidFd is null)
        {
            return;
        }

        // It is in one call at most, and cuts that off by itself.
        var options = _services.Options.Gpu;
        var patience = options.CallLimit + options.CopyLimit(gpu.Processes.Max(static p => (long?)p.DeviceBytes) ?? 0);
        await Streaming.DedicatedThread.Run("wait for the GPU worker", () =>
        {
            if (!pidFd.WaitExit(patience, cancellationToken))
            {
                pidFd.Signal(Signals.Kill);
                pidFd.WaitExit(KillDeadline, cancellationToken);
            }
        }).ConfigureAwait(false);
    }
}
