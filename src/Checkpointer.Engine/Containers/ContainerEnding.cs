using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>Ends what a restore that failed left in its placeholder, which then waits for another.</summary>
internal static class ContainerEnding
{
    /// <summary>Null when nothing is left, else what is. Blocking.</summary>
    public static string? Abandon(JournalEntry entry)
    {
        if (entry.Container is not { } container || Find(container) is not { } init)
        {
            // A plain tree, or the container is gone and everything in it.
            return null;
        }

        try
        {
            using var hold = HoldConnection.Open(init);
            if (hold.Status(CancellationToken.None).State is HoldState.Restoring or HoldState.Running)
            {
                hold.Abandon(entry.Operation, CancellationToken.None);
            }

            return null;
        }
        catch (OperationFailedException e) when (e.Code == "placeholder-refused" && e.Message.Contains("no such restore", StringComparison.Ordinal))
        {
            // It is another's by now: nothing of ours is in it.
            return null;
        }
        catch (OperationFailedException e)
        {
            return init.IsAlive() ? $"the placeholder {container.Id} does not let go of it: {e.Message}" : null;
        }
    }

    /// <summary>The placeholder's PID 1 if it still runs.</summary>
    public static ProcessIdentity? Find(JournalContainer container) =>
        ProcessIdentity.Of(container.Pid) is { } init && init.StartTime == container.StartTime ? init : null;
}
