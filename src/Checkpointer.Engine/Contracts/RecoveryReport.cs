namespace Checkpointer.Engine;

/// <summary>What a start found of operations that did not end, and what it did about each.</summary>
public sealed record RecoveryReport
{
    public required List<RecoveredOperation> Operations { get; init; }
}

/// <summary>One interrupted operation after recovery.</summary>
public sealed record RecoveredOperation
{
    public required string Operation { get; init; }

    public required string Kind { get; init; }

    /// <summary>The phase that the journal had reached.</summary>
    public required string Phase { get; init; }

    /// <summary><c>rolled-back</c>, <c>durable-and-running</c>, <c>durable-and-gone</c>, <c>closed-as-gone</c>, <c>tree-adopted</c>, <c>tree-killed</c> or <c>attention</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>One line for a person.</summary>
    public required string Message { get; init; }

    public string? Snapshot { get; init; }
}
