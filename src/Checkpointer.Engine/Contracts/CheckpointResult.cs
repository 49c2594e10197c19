using System.Text.Json.Serialization;

namespace Checkpointer.Engine;

/// <summary>A snapshot that exists, and what became of its workload. The shape of <c>checkpoint --json</c>.</summary>
public sealed record CheckpointResult
{
    public required string Snapshot { get; init; }

    public required string Lineage { get; init; }

    public required long Generation { get; init; }

    public string? Name { get; init; }

    /// <summary>
    /// The snapshot that this one continues, and of which unchanged parts are used again: the process's own last one, the one that it was restored from, or else
    /// the newest of its lineage that is sound; null for the first.
    /// </summary>
    public string? Parent { get; init; }

    /// <summary>Bytes that CRIU and the file capture handed over, before anything was elided or compressed.</summary>
    public required long BytesCaptured { get; init; }

    /// <summary>Bytes that this snapshot added to the repository, maps and manifest included.</summary>
    public required long BytesStored { get; init; }

    /// <summary>Of <see cref="BytesCaptured"/>, the bytes that the parent holds already and that were not stored again.</summary>
    public long BytesReused { get; init; }

    public required bool Durable { get; init; }

    public required bool WorkloadRunning { get; init; }

    /// <summary>From the first stop of a task until it ran again or was killed.</summary>
    public required double FrozenMs { get; init; }

    /// <summary>CRIU's own figure for the same, from its statistics.</summary>
    public required double CriuFrozenMs { get; init; }

    /// <summary>Phase to milliseconds, with <c>total</c> and an <c>unaccounted</c> remainder.</summary>
    public required Dictionary<string, double> Timings { get; init; }

    /// <summary>Within <see cref="Timings"/>: where the time for GPUs went; null without GPUs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GpuTimings? Gpu { get; init; }

    public required List<Finding> Findings { get; init; }

    public required string Operation { get; init; }

    /// <summary>The containers of a pod; absent for anything else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<CheckpointedMember>? Members { get; init; }
}

/// <summary>A container of a pod that was checkpointed.</summary>
/// <param name="Name">In its pod.</param>
/// <param name="Container">The runtime's id.</param>
/// <param name="Pid">The workload's root, in the engine's pid namespace; it has ended where the workload was not to run on.</param>
/// <param name="Processes">As they stood still.</param>
/// <param name="CriuFrozenMs">CRIU's own figure for it.</param>
public sealed record CheckpointedMember(string Name, string Container, int Pid, int Processes, double CriuFrozenMs);
