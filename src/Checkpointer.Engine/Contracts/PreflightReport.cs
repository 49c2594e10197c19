namespace Checkpointer.Engine;

/// <summary>The answer of a check before anything is touched. The shape of <c>preflight --json</c>.</summary>
public sealed record PreflightReport
{
    /// <summary>What was looked at: <c>pid 123 (python3)</c> or a snapshot id.</summary>
    public required string Subject { get; init; }

    /// <summary>True when the operation would be refused without <c>--force</c>.</summary>
    public required bool Refuses { get; init; }

    public int Processes { get; init; }

    /// <summary>Memory that a dump would carry, in bytes, as an estimate.</summary>
    public long EstimatedBytes { get; init; }

    /// <summary>The process's last snapshot that this node knows of: a checkpoint stores what changed since. Null: everything, or a snapshot was looked at.</summary>
    public string? Parent { get; init; }

    public required List<Finding> Findings { get; init; }
}
