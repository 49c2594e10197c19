using Checkpointer.Engine;

namespace Checkpointer.FaultHost;

/// <summary>Strikes when a phase begins: the engine reports that on its own thread, so everything stands still at that very moment.</summary>
internal sealed class PhaseFaults(FaultPlan plan) : IProgress<OperationProgress>
{
    private string? _last;

    public void Report(OperationProgress value)
    {
        // Progress within a phase repeats its name; only the first one is its beginning.
        if (Interlocked.Exchange(ref _last, value.Phase) == value.Phase)
        {
            return;
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
