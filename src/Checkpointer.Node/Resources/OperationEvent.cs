namespace Checkpointer.Node;

/// <summary>One event of an operation's stream: its kind, and the whole operation as it was then.</summary>
public sealed record OperationEvent(string Type, OperationResource Operation);

/// <summary>The values of <see cref="OperationEvent.Type"/>, the event names on the wire.</summary>
public static class OperationEventTypes
{
    /// <summary>The first event of every stream: how things stand now.</summary>
    public const string State = "state";

    /// <summary>A phase has begun. None is left out, however slow the reader is.</summary>
    public const string Phase = "phase";

    /// <summary>Counters have moved. Thinned out: a reader gets the newest only.</summary>
    public const string Progress = "progress";

    /// <summary>The last event of every stream.</summary>
    public const string Finished = "finished";
}
