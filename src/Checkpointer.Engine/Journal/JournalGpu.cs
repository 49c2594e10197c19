using System.Text.Json.Serialization;

namespace Checkpointer.Engine.Journal;

/// <summary>The GPU part of an entry: what was about to be done to which processes, so that it can be undone. Written before each step.</summary>
public sealed record JournalGpu
{
    public required GpuStep Step { get; init; }

    public required List<JournalGpuProcess> Processes { get; init; }

    /// <summary>A restore's map of GPUs for all processes that have none of their own; null for the same ones.</summary>
    public string? Map { get; set; }

    /// <summary>The worker that calls the driver: it carries a call to its end when its engine dies.</summary>
    public JournalProcess? Worker { get; set; }
}

/// <summary>How far the GPU part has come. The names are persisted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GpuStep>))]
public enum GpuStep
{
    /// <summary>Some are locked, or all. Unlocking undoes it.</summary>
    Locking,

    /// <summary>Some have their device memory in their own, or all. Giving it back and unlocking undoes it.</summary>
    Checkpointing,

    /// <summary>All have.</summary>
    Checkpointed,

    /// <summary>They are being brought back after a dump or a failure.</summary>
    Resuming,

    /// <summary>A restore: the tree is about to run, and its GPU processes wait for their GPUs.</summary>
    Awaited,

    /// <summary>A restore: they are being given their GPUs.</summary>
    Restoring,
}

/// <summary>A CUDA process in a journal.</summary>
public sealed record JournalGpuProcess
{
    /// <summary>Zero in a restore until the tree runs.</summary>
    public required int Pid { get; init; }

    public required ulong StartTime { get; init; }

    public required int OwnPid { get; init; }

    /// <summary>The number of its tree among the entry's members. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Tree { get; set; }

    /// <summary>A restore's map of GPUs for this process, where its container has GPUs of its own. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Map { get; set; }

    /// <summary>As much has to be copied at most, as far as was known. Bytes.</summary>
    public long DeviceBytes { get; set; }

    /// <summary>The call on it whose outcome nobody knows. It is never repeated.</summary>
    public string? Unknown { get; set; }
}
