using Checkpointer.Engine;
using Checkpointer.Testing;

namespace Checkpointer.FaultHost;

/// <summary>Strikes when a phase begins: the engine reports that on its own thread, so everything stands still at that very moment.</summary>
internal sealed class PhaseFaults(FaultPlan plan) : IProgress<OperationProgress>
{
    /// <summary>The store of this process, once it is open.</summary>
    public FaultBackend? Store { get; set; }

    public void Report(OperationProgress value)
    {
        // Progress within a phase comes from the watchdog's thread and knows the total; the beginning of a phase does not.
        if (value.BytesTotal is not null)
        {
            return;
        }

        if (value.Phase == OperationPhase.Restore && Store is { } store)
        {
            store.ReadDelay = TimeSpan.FromSeconds(plan.ReadDelaySeconds);
        }

        if (value.Phase == plan.DieAtPhase)
        {
            DyingBackend.Die();
        }

        if (value.Phase == plan.PauseAtPhase)
        {
            Console.Error.WriteLine("paused " + value.Phase);
            Console.ReadLine();
        }
    }
}
