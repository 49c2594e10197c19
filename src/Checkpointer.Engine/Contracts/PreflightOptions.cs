namespace Checkpointer.Engine;

/// <summary>What a preflight is to take into account as the checkpoint would: members of <see cref="CheckpointRequest"/> of the same names.</summary>
public sealed record PreflightOptions
{
    /// <summary>What counts when nothing is said.</summary>
    public static readonly PreflightOptions Default = new();

    public bool LeaveRunning { get; init; }

    public IReadOnlyDictionary<string, string> CriuOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Only of a process.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];
}
