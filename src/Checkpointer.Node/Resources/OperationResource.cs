using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Node;

/// <summary>
/// One checkpoint or restore as the service tells about it. Times are UTC; <see cref="Outcome"/> is null until it is over.
/// </summary>
public sealed record OperationResource
{
    public required string Id { get; init; }

    /// <summary>One of <see cref="OperationKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>What it works on, for people: "pid 1234", or the snapshot asked for.</summary>
    public required string Subject { get; init; }

    /// <summary>The phase it is in; "queued" while it waits for the node's budget (nothing has been touched), "done" at the end.</summary>
    public required string Phase { get; init; }

    public required OperationProgress Progress { get; init; }

    /// <summary>When the request was accepted.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it left the queue, null while it waits.</summary>
    public DateTimeOffset? Admitted { get; init; }

    public DateTimeOffset? Finished { get; init; }

    /// <summary>Operations before it in the queue, null when it does not wait.</summary>
    public int? QueuePosition { get; init; }

    /// <summary>Somebody has asked to cancel it; it may still be rolling back, or may have succeeded before that.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>One of <see cref="OperationOutcomes"/>, or null while it is not over.</summary>
    public string? Outcome { get; init; }

    /// <summary>A <see cref="CheckpointResult"/> or <see cref="RestoreResult"/> when it succeeded.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>Why it did not succeed, and what state everything is in.</summary>
    public ErrorReport? Error { get; init; }

    /// <summary>Of an interrupted operation: what the next start made of it; null where nothing of it was left to undo.</summary>
    public RecoveredOperation? Recovery { get; init; }

    /// <summary>The phases it went through so far, with the milliseconds since <see cref="Started"/> at which each began.</summary>
    public required IReadOnlyList<PhaseStart> Phases { get; init; }

    /// <summary>Whether it is over, well or not.</summary>
    [JsonIgnore]
    public bool IsOver => Outcome is not null;
}

/// <summary>A phase and when it began, in milliseconds since the operation was accepted.</summary>
public sealed record PhaseStart(string Phase, double AtMs);

/// <summary>All operations that the service remembers, oldest first.</summary>
public sealed record OperationList(IReadOnlyList<OperationResource> Operations);

/// <summary>The values of <see cref="OperationResource.Kind"/>.</summary>
public static class OperationKinds
{
    public const string Checkpoint = "checkpoint";
    public const string Restore = "restore";
}

/// <summary>The values of <see cref="OperationResource.Outcome"/>.</summary>
public static class OperationOutcomes
{
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";

    /// <summary>Rolled back because somebody asked for it.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The service ended before it: the next start ended it.</summary>
    public const string Interrupted = "interrupted";
}

/// <summary>The phases that the service itself gives; the others are the engine's.</summary>
public static class OperationPhases
{
    public const string Queued = "queued";

    /// <summary>Left the queue; the engine has not named a phase yet.</summary>
    public const string Starting = "starting";

    public const string Done = "done";
}
