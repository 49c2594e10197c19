using Checkpointer.Engine.Journal;

namespace Checkpointer.Engine.Gpu;

/// <summary>A process with a CUDA context.</summary>
internal sealed record GpuProcess
{
    /// <summary>In our pid namespace.</summary>
    public required int Pid { get; init; }

    public required ulong StartTime { get; init; }

    /// <summary>As the tree itself sees it; this is what survives a restore.</summary>
    public required int OwnPid { get; init; }

    /// <summary>Number of its tree in the operation: containers of a pod may have processes of the same own pid.</summary>
    public int Tree { get; init; }

    /// <summary>For messages: <c>123 (python3)</c>, or <c>123 (python3) of container NAME</c>.</summary>
    public required string Label { get; init; }

    /// <summary>Device memory that it holds, as NVML says; zero where that is not known. Bytes.</summary>
    public long DeviceBytes { get; set; }

    /// <summary>Device memory that it can hold at most: where <see cref="DeviceBytes"/> is not known, what its GPUs have. Bytes.</summary>
    public long DeviceBytesAtMost { get; set; }

    /// <summary>How much its resident memory grew when its device memory came into it. Bytes.</summary>
    public long Growth { get; set; }

    /// <summary>As much has to be copied at most, as far as is known: for deadlines. Bytes.</summary>
    public long CopyBytes => Math.Max(DeviceBytes, Math.Max(DeviceBytesAtMost, Growth));

    /// <summary>Ids of the GPUs that it sees.</summary>
    public IReadOnlyList<string> Devices { get; set; } = [];

    /// <summary>Of <see cref="DeviceBytes"/>, what it holds on each whole GPU, by the GPU's id. Bytes.</summary>
    public IReadOnlyDictionary<string, long> DeviceUse { get; set; } = new Dictionary<string, long>();

    /// <summary>The GPUs that it is given at a restore, <c>OLD=NEW,...</c>; null for the same ones.</summary>
    public string? Map { get; init; }

    /// <summary>The call on it whose outcome nobody knows; null when there is none.</summary>
    public string? Unknown { get; set; }

    public JournalGpuProcess ToJournal() => new()
    {
        Pid = Pid,
        StartTime = StartTime,
        OwnPid = OwnPid,
        Tree = Tree,
        DeviceBytes = CopyBytes,
        Unknown = Unknown,
    };

    public static GpuProcess FromJournal(JournalGpuProcess process) => new()
    {
        Tree = process.Tree,
        Map = process.Map,
        Pid = process.Pid,
        StartTime = process.StartTime,
        OwnPid = process.OwnPid,
        Label = process.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture),
        DeviceBytes = process.DeviceBytes,
        Unknown = process.Unknown,
    };
}
