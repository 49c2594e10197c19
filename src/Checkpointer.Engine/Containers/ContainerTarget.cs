using System.Globalization;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>The placeholder that a container's snapshot is restored into.</summary>
internal sealed class ContainerTarget
{
    /// <summary>A placeholder's PID 1 says that it waits within milliseconds of its start.</summary>
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(20);

    private ContainerTarget(ContainerRecord record, ProcessIdentity init)
    {
        Record = record;
        Init = init;
    }

    public ContainerRecord Record { get; }

    /// <summary>Its PID 1, <c>checkpointer-init hold</c>.</summary>
    public ProcessIdentity Init { get; }

    /// <summary>Its root directory as a path of ours.</summary>
    public string Root => string.Create(CultureInfo.InvariantCulture, $"/proc/{Init.Pid}/root");

    /// <summary>Finds the placeholder that a request names; null for the snapshot of a plain tree, and where one is to be made.</summary>
    /// <exception cref="UsageException">
    /// Codes <c>container-snapshot</c> and <c>process-snapshot</c>: request and snapshot do not fit; <c>not-a-placeholder</c>,
    /// <c>container-restoring</c>: it cannot take a restore; and those of the runtime.
    /// </exception>
    public static async Task<ContainerTarget?> FindAsync(
        EngineServices services, RestoreRequest request, ContainerPart? part, CancellationToken cancellationToken)
    {
        var wanted = request.Into is not null || request.Create;
        if (part is null)
        {
            return !wanted ? null : throw new UsageException(
                "process-snapshot", "This snapshot is of a process tree, not of a container.", "Leave out --into and --create.");
        }

        if (!wanted)
        {
            throw new UsageException(
                "container-snapshot",
                $"This snapshot is of a container ({part.Record.Label}, image {part.Record.Image}).",
                "Name a placeholder with --into CONTAINER, or have one made with --create.");
        }

        // One that is to be made is made by the caller.
        return request.Into is { } name
            ? await OfAsync(await services.Runtime.FindAsync(name, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false)
            : null;
    }

    /// <summary>A placeholder that somebody else made.</summary>
    public static async Task<ContainerTarget> OfAsync(ContainerRecord record) =>
        new(record, await DedicatedThread.Run("look at placeholder", () => Waiting(record)).ConfigureAwait(false));

    /// <summary>One that was made for this restore; waits until it is ready.</summary>
    public static async Task<ContainerTarget> MadeAsync(EngineServices services, ContainerRecord record, CancellationToken cancellationToken) =>
        new(record, await ReadyAsync(services, record, cancellationToken).ConfigureAwait(false));

    private static async Task<ProcessIdentity> ReadyAsync(EngineServices services, ContainerRecord record, CancellationToken cancellationToken)
    {
        var start = services.Time.GetTimestamp();
        while (HoldConnection.StateOf(record.Pid) == HoldState.None && services.Time.GetElapsedTime(start) < ReadyDeadline)
        {
            await Task.Delay(ReadyPoll, services.Time, cancellationToken).ConfigureAwait(false);
        }

        return Waiting(record);
    }

    private static ProcessIdentity Waiting(ContainerRecord record)
    {
        var init = ProcessIdentity.Of(record.Pid)
            ?? throw new UsageException("container-not-running", $"Container {record.Label} has ended.", "Start it again.");
        return HoldConnection.StateOf(init.Pid) switch
        {
            HoldState.Waiting => init,
            HoldState.Restoring => throw new UsageException(
                "container-restoring", $"Another restore into container {record.Label} is under way.", "Wait for it, or name another container."),
            HoldState.Running => throw new UsageException(
                "not-a-placeholder", $"Container {record.Label} runs a restored workload already.", "Name a container that waits for a restore."),
            _ => throw new UsageException(
                "not-a-placeholder",
                $"Container {record.Label} runs a program of its own ({ProcStat.Read(init.Pid)?.Name}).",
                "Name a container whose first process is `checkpointer-init hold`."),
        };
    }
}
