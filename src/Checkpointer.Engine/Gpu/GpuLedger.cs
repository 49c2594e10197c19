using Checkpointer.Engine.Journal;

namespace Checkpointer.Engine.Gpu;

/// <summary>Writes the GPU part of a journal entry before each step, so that whoever finds the entry knows what to undo.</summary>
internal sealed class GpuLedger
{
    private readonly EngineServices _services;
    private readonly OpenJournalEntry _journal;
    private readonly GpuDriver _driver;

    public GpuLedger(EngineServices services, OpenJournalEntry journal, GpuDriver driver)
    {
        _services = services;
        _journal = journal;
        _driver = driver;
    }

    public string? Map { get; set; }

    /// <summary>From here on this step may have been done to any of the processes.</summary>
    public void Enter(GpuStep step, IEnumerable<GpuProcess> processes)
    {
        var worker = _driver.Worker;
        _journal.Write(_journal.Entry with
        {
            Frozen = step != GpuStep.Awaited || _journal.Entry.Frozen,
            Gpu = new JournalGpu
            {
                Step = step,
                Processes = [.. processes.Select(static p => p.ToJournal())],
                Map = Map,
                Worker = worker is null ? null : new JournalProcess(worker.Pid, worker.StartTime, worker.PidNamespace, WasStopped: false),
            },
        });
        _services.GpuStepReached?.Invoke(step.ToString());
    }

    /// <summary>Nothing is left to undo.</summary>
    public void Clear()
    {
        if (_journal.Entry.Gpu is not null)
        {
            _journal.Write(_journal.Entry with { Gpu = null });
        }
    }

    /// <summary>Tells tests where the engine stands between two calls.</summary>
    public void Passed(string what, GpuProcess process) => _services.GpuStepReached?.Invoke($"{what} {process.Pid}");
}
