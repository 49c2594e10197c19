using System.Text.Json.Serialization;

namespace Checkpointer.Integration.Tests;

/// <summary>What <c>Checkpointer.FaultHost</c> is to do, and what is to happen to it: the same JSON as its own <c>FaultPlan</c>.</summary>
internal sealed record FaultPlan
{
    public CheckpointPlan? Checkpoint { get; init; }

    public RestorePlan? Restore { get; init; }

    public bool Recover { get; init; }

    /// <summary>SIGKILL to itself when this phase begins.</summary>
    public string? DieAtPhase { get; init; }

    public string? DieBeforeObject { get; init; }

    public string? DieAfterObject { get; init; }

    public long? DieAfterBytes { get; init; }

    /// <summary>It says <c>paused PHASE</c> and stands still until <see cref="FaultRun.Resume"/>.</summary>
    public string? PauseAtPhase { get; init; }

    public long? FailAfterBytes { get; init; }

    public string? FailObject { get; init; }

    public bool Full { get; init; }

    public string? StallObject { get; init; }

    public double ReadDelaySeconds { get; init; }

    public double StallLimitSeconds { get; init; } = 60;
}

/// <summary>The engine's checkpoint request; the pid, repository and key file are filled in.</summary>
internal sealed record CheckpointPlan
{
    public int Pid { get; init; }

    public string? Repository { get; init; }

    public string? KeyFile { get; init; }

    public bool LeaveRunning { get; init; }

    public long MemoryBytes { get; init; } = 64L << 20;

    public double? TimeoutSeconds { get; init; }

    public double MaxFrozenSeconds { get; init; } = 60;
}

/// <summary>The engine's restore request; repository and key file are filled in.</summary>
internal sealed record RestorePlan
{
    public string? Snapshot { get; init; }

    public string? Repository { get; init; }

    public string? KeyFile { get; init; }

    public long MemoryBytes { get; init; } = 64L << 20;

    public double? TimeoutSeconds { get; init; }

    public string? Cgroup { get; init; }
}

/// <summary>What the fault host said at its end.</summary>
internal sealed record FaultReport
{
    public CheckpointAnswer? Checkpoint { get; init; }

    public RestoreAnswer? Restore { get; init; }

    public RecoveryAnswer? Recovery { get; init; }

    public ErrorAnswer? Error { get; init; }

    /// <summary>How often an injected fault of the store struck.</summary>
    public int Fired { get; init; }
}

internal sealed record CheckpointAnswer(string Snapshot, bool Durable, bool WorkloadRunning);

internal sealed record RestoreAnswer(string Snapshot, int Pid, string Log, IReadOnlyList<FindingAnswer> Findings);

internal sealed record FindingAnswer(string Code, string Subject);

internal sealed record RecoveryAnswer(IReadOnlyList<RecoveredAnswer> Operations);

internal sealed record RecoveredAnswer(string Operation, string Phase, string Outcome, string Message, string? Snapshot);

internal sealed record ErrorAnswer(string Code, string Message, string? Remedy, string WorkloadState, bool? WorkloadRunning, bool? SnapshotDurable, int ExitCode);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FaultReport))]
internal sealed partial class FaultReportJson : JsonSerializerContext;
