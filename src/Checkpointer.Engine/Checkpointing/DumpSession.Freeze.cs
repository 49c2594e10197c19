using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>Several trees stand still together before the first CRIU comes: what is dumped is one moment of all.</summary>
internal sealed partial class DumpSession
{
    private FreezeGuard? _guard;

    /// <summary>Before anything is frozen there is somebody who thaws it whatever becomes of us.</summary>
    private async Task StartGuardAsync()
    {
        List<string> switches = [.. Trees.SelectMany(static t => t.Freezer?.FreezerSwitches ?? [])];
        if (switches.Count > 0)
        {
            _guard = await FreezeGuard.StartAsync(_services.Init, _id, switches, _abort.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Freezes them; a tree that is the only one is left to CRIU. On failure all run again.</summary>
    private async Task FreezeAsync(Watchdog watchdog)
    {
        if (Trees.All(static t => t.Freezer is null))
        {
            return;
        }

        MarkFrozen(watchdog);
        try
        {
            await DedicatedThread.Run("freeze", () =>
            {
                foreach (var tree in Trees)
                {
                    if (tree.Freezer is { } freezer && !freezer.Freeze(FreezeDeadline, _abort.Token))
                    {
                        throw new OperationFailedException(
                            "not-frozen",
                            $"The cgroup of {tree.Label} could not be frozen within {Durations.Format(FreezeDeadline)}.",
                            "A process of it waits for a disk or a network file system; try again.");
                    }
                }
            }).ConfigureAwait(false);
        }
        catch
        {
            Thaw();
            throw;
        }
    }

    private void Thaw()
    {
        foreach (var tree in Trees)
        {
            tree.Freezer?.Thaw();
        }
    }
}
