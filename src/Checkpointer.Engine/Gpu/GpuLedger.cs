using Checkpointer.Engine.Journal;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// Writes the GPU part of a journal entry before each step, so that whoever finds the entry knows what to undo. A step that cannot be
/// written down is not taken; undoing goes on without, because a process that waits for its GPU is worse than an entry that says too much.
/// </summary>
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
        _driver.WorkerStarted = TellWorker;
    }

    /// <summary>The map that holds for every process that has none of its own in the entry.</summary>
    public string? Map { get; set; }

    /// <summary>
    /// True while what is done is what the written entry says will be: asking for states, giving back, unlocking. A recovery that finds the
    /// older entry does the same once more, and finds nothing to do.
    /// </summary>
    public bool IsUndoing { get; set; }

    /// <summary>From here on this step may have been done to any of the processes.</summary>
    public void Enter(GpuStep step, IEnumerable<GpuProcess> processes)
    {
        Write(entry => At(entry, step, processes));
        _services.GpuStepReached?.Invoke(step.ToString());
    }

    /// <summary>A step that needs no other undoing than the one before: it is told with the entry's next write.</summary>
    public void Reach(GpuStep step, IEnumerable<GpuProcess> processes)
    {
        _journal.Amend(At(_journal.Entry, step, processes));
        _services.GpuStepReached?.Invoke(step.ToString());
    }

    /// <summary>Nothing is left to undo.</summary>
    public void Clear()
    {
        if (_journal.Entry.Gpu is not null)
        {
            IsUndoing = true;
            Write(static entry => entry with { Gpu = null });
        }
    }

    /// <summary>Tells tests where the engine stands between two calls.</summary>
    public void Passed(string what, GpuProcess process) => _services.GpuStepReached?.Invoke($"{what} {process.Pid}");

    private JournalEntry At(JournalEntry entry, GpuStep step, IEnumerable<GpuProcess> processes) => entry with
    {
        Frozen = step != GpuStep.Awaited || entry.Frozen,
        Gpu = new JournalGpu
        {
            Step = step,
            Processes = [.. processes.Select(p => p.ToJournal() with { Map = p.Map == Map ? null : p.Map })],
            Map = Map,
            Worker = Worker(),
        },
    };

    /// <summary>A new worker in the middle of things is one that a recovery must wait for, like the first.</summary>
    private void TellWorker()
    {
        if (_journal.Entry.Gpu is { } gpu)
        {
            Write(entry => entry with { Gpu = gpu with { Worker = Worker() } });
        }
    }

    private void Write(Func<JournalEntry, JournalEntry> change) => _driver.Clock.Measure(GpuClock.Journal, () =>
    {
        if (IsUndoing)
        {
            _journal.UpdateIfPossible(change, _services.Logger);
        }
        else
        {
            _journal.Update(change);
        }
    });

    private JournalProcess? Worker() =>
        _driver.Worker is { } worker ? new JournalProcess(worker.Pid, worker.StartTime, worker.PidNamespace, WasStopped: false) : null;
}
