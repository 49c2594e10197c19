using System.Text.Json.Serialization;

namespace Checkpointer.Engine;

/// <summary>A tree that runs again. The shape of <c>restore --json</c>.</summary>
public sealed record RestoreResult
{
    public required string Snapshot { get; init; }

    /// <summary>The tree's root in the pid namespace of the caller.</summary>
    public required int Pid { get; init; }

    /// <summary>The container that it runs in, by its id; null for a plain tree.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Container { get; init; }

    /// <summary>The containers of a pod, of which the first is told above; absent for anything else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<RestoredMember>? Members { get; init; }

    /// <summary>Where output that left the tree through a pipe or terminal is kept.</summary>
    public required string Log { get; init; }

    /// <summary>The operation's id, under which <c>checkpointer-init</c> keeps the tree.</summary>
    public required string Operation { get; init; }

    /// <summary>Bytes that were read from the store's packs, and in how many requests: what the store charges for.</summary>
    public long BytesFetched { get; init; }

    /// <inheritdoc cref="BytesFetched"/>
    public long FetchRequests { get; init; }

    public required Dictionary<string, double> Timings { get; init; }

    /// <summary>Within <see cref="Timings"/>: where the time for GPUs went; null without GPUs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GpuTimings? Gpu { get; init; }

    public required List<Finding> Findings { get; init; }
}

/// <summary>A container of a pod that runs again.</summary>
/// <param name="Name">In its pod.</param>
/// <param name="Container">The runtime's id of what was its placeholder.</param>
/// <param name="Pid">The workload's root, in the engine's pid namespace.</param>
/// <param name="Log">Its log.</param>
public sealed record RestoredMember(string Name, string Container, int Pid, string Log);
