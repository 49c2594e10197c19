using System.Text.Json.Serialization;

namespace Checkpointer.Engine;

/// <summary>
/// Where the GPU part of an operation spent its time: deed to milliseconds, with <c>total</c> and an <c>unaccounted</c> remainder. The
/// deeds are <c>driver</c> (its own word on its calls), <c>worker</c> (start), <c>requests</c>, <c>journal</c>, <c>memory</c>,
/// <c>release</c>, <c>tree</c> and <c>inventory</c>; one that did not happen is left out.
/// </summary>
public sealed record GpuTimings
{
    /// <summary>Looking, before anything is touched.</summary>
    public Dictionary<string, double> Survey { get; set; } = [];

    /// <summary>A checkpoint's lock and checkpoint of every process; null in a restore.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Dictionary<string, double>? Suspend { get; set; }

    /// <summary>Giving back and unlocking; null when the workload was ended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Dictionary<string, double>? Resume { get; set; }
}
