using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// Brings CUDA processes back to running from whatever state the driver says they are in: what is checkpointed is given its GPUs, what is
/// locked is unlocked. A call whose outcome is unknown is not repeated; a process that cannot be brought back is reported, and the others
/// are brought back all the same. A locked process may keep others from answering (they share device memory): those are asked again when
/// it runs.
/// </summary>
internal sealed class GpuRescue
{
    private readonly GpuDriver _driver;
    private readonly GpuLedger? _ledger;
    private readonly ILogger _logger;
    private readonly Dictionary<int, string> _lost = [];
    private readonly List<GpuProcess> _silent = [];

    /// <param name="driver">The driver.</param>
    /// <param name="ledger">Where a step is written before it is taken; null when there is nothing to write to.</param>
    /// <param name="logger">Where each mended process is told.</param>
    public GpuRescue(GpuDriver driver, GpuLedger? ledger, ILogger logger)
    {
        _driver = driver;
        _ledger = ledger;
        _logger = logger;
    }

    /// <summary>The processes must not be frozen: the driver answers for none that is.</summary>
    /// <returns>Null when all of them run or have ended; else what is lost, for a person.</returns>
    public async Task<string?> RunAsync(IReadOnlyList<GpuProcess> processes)
    {
        // A lock that was not answered holds no device memory back, and was most likely kept by a process that we hold: to be asked when that runs.
        var living = processes.Where(IsAlive).ToLookup(p => p.Unknown == "lock" && processes.Count > 1);
        List<GpuProcess> locked = [];
        foreach (var process in living[false])
        {
            if (await GiveBackAsync(process).ConfigureAwait(false))
            {
                locked.Add(process);
            }
        }

        foreach (var process in locked)
        {
            await UnlockAsync(process).ConfigureAwait(false);
        }

        await AskAgainAsync([.. living[true]], anew: locked.Count > 0).ConfigureAwait(false);
        if (_lost.Count > 0)
        {
            // Kept: the next start must not repeat what is not known.
            _ledger?.Enter(GpuStep.Resuming, processes);
        }

        var still = _lost.Where(l => processes.Any(p => p.Pid == l.Key && IsAlive(p))).Select(static l => l.Value).ToList();
        return still.Count == 0 ? null : string.Join("; ", still);
    }

    public static bool IsAlive(GpuProcess process) =>
        ProcStat.Read(process.Pid) is { } stat && stat.StartTime == process.StartTime && stat.State is not ('Z' or 'X');

    /// <summary>Those of which the driver said nothing, as long as it says something of one more.</summary>
    /// <param name="waiting">Not asked yet.</param>
    /// <param name="anew">Whether those that were asked may answer now.</param>
    private async Task AskAgainAsync(List<GpuProcess> waiting, bool anew)
    {
        var last = int.MaxValue;
        for (waiting = anew ? [.. _silent, .. waiting] : waiting; waiting.Count > 0 && waiting.Count < last; waiting = [.. _silent])
        {
            last = waiting.Count;
            _silent.Clear();
            foreach (var process in waiting)
            {
                _lost.Remove(process.Pid);
                if (await GiveBackAsync(process).ConfigureAwait(false))
                {
                    await UnlockAsync(process).ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>True when the process is locked and its device memory is where it belongs.</summary>
    private async Task<bool> GiveBackAsync(GpuProcess process)
    {
        var state = await _driver.StateAsync(process).ConfigureAwait(false);
        if (!state.IsDone)
        {
            Lose(process, state, $"its state cannot be asked: {state.Text}");
            if (state.Kind != GpuAnswerKind.Gone)
            {
                _silent.Add(process);
            }

            return false;
        }

        switch ((CudaState)state.Number("state"))
        {
            case CudaState.Running:
                process.Unknown = null;
                return false;
            case CudaState.Locked when process.Unknown != "unlock":
                process.Unknown = null;
                return true;
            case CudaState.Checkpointed when process.Unknown != "restore":
                return await RestoreAsync(process).ConfigureAwait(false);
            case CudaState.Failed:
                Lose(process, state, "the driver says that its CUDA state failed: it cannot go on and can only be ended");
                return false;
            default:
                Lose(process, state, process.Unknown is { } verb
                    ? $"nobody knows what its {verb} did, and its state is {state.Number("state")}; that is not tried again"
                    : $"it is in state {state.Number("state")}, which this checkpointer does not know how to leave");
                return false;
        }
    }

    private async Task<bool> RestoreAsync(GpuProcess process)
    {
        var answer = await _driver.RestoreAsync(process, process.Map).ConfigureAwait(false);
        _ledger?.Passed("restored", process);
        if (answer.IsDone)
        {
            process.Unknown = null;
            EngineLog.GpuResumed(_logger, process.Pid, "its device memory was given back");
            return true;
        }

        // An error after the deed, or a call that was cut off: what the driver says now counts.
        process.Unknown = answer.Kind == GpuAnswerKind.Unknown ? "restore" : process.Unknown;
        if (await IsInAsync(process, CudaState.Locked).ConfigureAwait(false))
        {
            process.Unknown = null;
            return true;
        }

        Lose(process, answer, $"its device memory could not be given back: {answer.Text}");
        return false;
    }

    private async Task UnlockAsync(GpuProcess process)
    {
        var answer = await _driver.UnlockAsync(process).ConfigureAwait(false);
        _ledger?.Passed("unlocked", process);
        process.Unknown = answer.Kind == GpuAnswerKind.Unknown ? "unlock" : null;
        if (await IsInAsync(process, CudaState.Running).ConfigureAwait(false))
        {
            process.Unknown = null;
            EngineLog.GpuResumed(_logger, process.Pid, "it was unlocked");
            return;
        }

        Lose(process, answer, answer.IsDone ? "it was unlocked, but does not run" : $"it could not be unlocked: {answer.Text}");
    }

    private async Task<bool> IsInAsync(GpuProcess process, CudaState wanted)
    {
        var state = await _driver.StateAsync(process).ConfigureAwait(false);
        return state.IsDone && state.Number("state") == (int)wanted;
    }

    private void Lose(GpuProcess process, GpuAnswer answer, string what)
    {
        if (answer.Kind != GpuAnswerKind.Gone)
        {
            _lost[process.Pid] = string.Create(CultureInfo.InvariantCulture, $"CUDA process {process.Label}: {what}");
        }
    }
}
