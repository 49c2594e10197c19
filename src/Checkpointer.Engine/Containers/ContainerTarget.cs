using System.Globalization;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>The placeholder that a container's snapshot is restored into. One that was made for it is removed again unless it is kept.</summary>
internal sealed class ContainerTarget : IAsyncDisposable
{
    /// <summary>Removing what was made for a restore that failed.</summary>
    private static readonly TimeSpan RemoveDeadline = TimeSpan.FromSeconds(60);

    /// <summary>A placeholder's PID 1 says that it waits within milliseconds of its start.</summary>
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(20);

    private readonly EngineServices _services;
    private readonly bool _made;
    private bool _kept;

    private ContainerTarget(EngineServices services, ContainerRecord record, ProcessIdentity init, bool made)
    {
        _services = services;
        Record = record;
        Init = init;
        _made = made;
    }

    public ContainerRecord Record { get; }

    /// <summary>Its PID 1, <c>checkpointer-init hold</c>.</summary>
    public ProcessIdentity Init { get; }

    /// <summary>Its root directory as a path of ours.</summary>
    public string Root => string.Create(CultureInfo.InvariantCulture, $"/proc/{Init.Pid}/root");

    /// <summary>Finds or makes the placeholder that a request names; null for the snapshot of a plain tree.</summary>
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

        if (request.Into is { } name)
        {
            var found = await services.Runtime.FindAsync(name, cancellationToken).ConfigureAwait(false);
            return await OfAsync(services, found).ConfigureAwait(false);
        }

        var record = await services.Runtime.CreatePlaceholderAsync(part.Record, services.Init, cancellationToken).ConfigureAwait(false);
        try
        {
            return await MadeAsync(services, record, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await services.Runtime.RemovePlaceholderAsync(record, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A placeholder that somebody else made.</summary>
    public static async Task<ContainerTarget> OfAsync(EngineServices services, ContainerRecord record) =>
        new(services, record, await DedicatedThread.Run("look at placeholder", () => Waiting(record)).ConfigureAwait(false), made: false);

    /// <summary>One that was made for this restore, and goes with it; waits until it is ready.</summary>
    public static async Task<ContainerTarget> MadeAsync(EngineServices services, ContainerRecord record, CancellationToken cancellationToken) =>
        new(services, record, await ReadyAsync(services, record, cancellationToken).ConfigureAwait(false), made: true);

    /// <summary>It holds a restored workload: it stays.</summary>
    public void Keep() => _kept = true;

    public async ValueTask DisposeAsync()
    {
        if (!_made || _kept)
        {
            return;
        }

        using CancellationTokenSource deadline = new(RemoveDeadline);
        try
        {
            await _services.Runtime.RemovePlaceholderAsync(Record, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException)
        {
            EngineLog.CleanupFailed(_services.Logger, e, Record.Id, "the placeholder that was made");
        }
    }

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
