using System.Text.Json.Serialization;
using Checkpointer.Engine;

namespace Checkpointer.FaultHost;

/// <summary>What this process is to do, and what is to happen to it.</summary>
internal sealed record FaultPlan
{
    public required string StateDirectory { get; init; }

    public required string RunDirectory { get; init; }

    public required string ShimDirectory { get; init; }

    public string? CriuPath { get; init; }

    /// <summary>The libraries of the GPU driver.</summary>
    public string? CudaLibrary { get; init; }

    public string? NvmlLibrary { get; init; }

    /// <summary>SIGKILL to ourselves at the how manieth step of the GPU part; zero: never.</summary>
    public int DieAtGpuStep { get; init; }

    public required string Operation { get; init; }

    /// <summary>Exactly one of these is set, or neither: then only <see cref="Recover"/> happens.</summary>
    public CheckpointRequest? Checkpoint { get; init; }

    public RestoreRequest? Restore { get; init; }

    /// <summary>Recover first, as every start does.</summary>
    public bool Recover { get; init; }

    /// <summary>SIGKILL to ourselves when this phase begins.</summary>
    public string? DieAtPhase { get; init; }

    /// <summary>SIGKILL to ourselves before an object whose name starts so becomes visible.</summary>
    public string? DieBeforeObject { get; init; }

    /// <summary>SIGKILL to ourselves right after it became visible.</summary>
    public string? DieAfterObject { get; init; }

    /// <summary>SIGKILL to ourselves when the store was given more than this many bytes.</summary>
    public long? DieAfterBytes { get; init; }

    /// <summary>When this phase begins: print <c>paused PHASE</c> on stderr and wait for a line on stdin.</summary>
    public string? PauseAtPhase { get; init; }

    /// <summary>Appends fail when the store took this many bytes.</summary>
    public long? FailAfterBytes { get; init; }

    /// <summary>The failure is a full store.</summary>
    public bool Full { get; init; }

    /// <summary>Objects whose name starts so hang when they are to be written; null: none does.</summary>
    public string? StallObject { get; init; }

    /// <summary>Objects whose name starts so cannot be committed; null: all can.</summary>
    public string? FailObject { get; init; }

    /// <summary>From the restore phase on, every read takes this long.</summary>
    public double ReadDelaySeconds { get; init; }

    public double StallLimitSeconds { get; set; } = 60;
}

/// <summary>What this process says at its end, as one JSON object on stdout.</summary>
internal sealed record FaultReport
{
    public CheckpointResult? Checkpoint { get; init; }

    public RestoreResult? Restore { get; init; }

    public RecoveryReport? Recovery { get; init; }

    public ErrorReport? Error { get; init; }

    /// <summary>How often an injected fault of the store struck.</summary>
    public int Fired { get; init; }
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FaultPlan))]
[JsonSerializable(typeof(FaultReport))]
internal sealed partial class FaultJson : JsonSerializerContext;
