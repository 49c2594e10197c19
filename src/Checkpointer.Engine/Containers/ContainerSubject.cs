using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>A running container that is to be dumped.</summary>
/// <param name="Record">What the runtime says of it.</param>
/// <param name="Init">Its PID 1.</param>
/// <param name="Root">The workload's root: PID 1, or what a <c>checkpointer-init</c> there owns.</param>
internal sealed record ContainerSubject(ContainerRecord Record, ProcessIdentity Init, ProcessIdentity Root)
{
    /// <summary>True when it was restored before: its PID 1 is ours.</summary>
    public bool IsRestored => Init != Root;

    /// <exception cref="UsageException">
    /// Codes of <see cref="IContainerRuntime.FindAsync"/>, and <c>container-not-running</c>, <c>container-waiting</c>, <c>container-restoring</c>.
    /// </exception>
    /// <exception cref="HostException">Code <c>runtime-missing</c>: this engine was given no runtime.</exception>
    public static async Task<ContainerSubject> FindAsync(EngineServices services, string name, CancellationToken cancellationToken)
    {
        var record = await services.Runtime.FindAsync(name, cancellationToken).ConfigureAwait(false);
        return await DedicatedThread.Run("look at container", () => Of(record, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>The same for a record that is at hand. Blocking.</summary>
    public static ContainerSubject Of(ContainerRecord record, CancellationToken cancellationToken)
    {
        var init = ProcessIdentity.Of(record.Pid) ?? throw Ended(record);
        switch (HoldConnection.StateOf(init.Pid))
        {
            case HoldState.None:
                return new ContainerSubject(record, init, init);
            case HoldState.Waiting:
                throw new UsageException(
                    "container-waiting", $"Container {record.Label} is a placeholder that waits for a restore.", "Name a container that runs a workload.");
            case HoldState.Restoring:
                throw new UsageException("container-restoring", $"A restore into container {record.Label} is under way.", "Try again when it is over.");
            default:
                using (var hold = HoldConnection.Open(init))
                {
                    var main = hold.Status(cancellationToken).Main;
                    var root = main is { } inside ? PidTranslation.ChildOf(init.Pid, inside) : null;
                    return new ContainerSubject(record, init, root ?? throw Ended(record));
                }
        }
    }

    private static UsageException Ended(ContainerRecord record) => new(
        "container-not-running", $"The workload of container {record.Label} has ended or is ending.", "Look at it with `checkpointer containers --all`.");
}
