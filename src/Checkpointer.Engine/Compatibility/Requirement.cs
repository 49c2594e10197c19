using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Compatibility;

/// <summary>A file that the tree maps. CRIU wants it at restore with the same size and build-id.</summary>
public sealed record MappedFile(string Path, long Size, string? BuildId);

/// <summary>A regular file that the tree has open. CRIU wants it at restore with the same size.</summary>
public sealed record OpenFile(string Path, long Size, long ModifiedNanoseconds, bool Writable);

/// <summary>What a node must offer to restore one snapshot: recorded at dump from the workload, kept in the manifest.</summary>
public sealed record Requirement
{
    /// <summary>As uname says: <c>x86_64</c>, <c>aarch64</c>.</summary>
    public required string Architecture { get; init; }

    public required IReadOnlyList<string> CpuFlags { get; init; }

    public required string CpuModel { get; init; }

    public required string KernelRelease { get; init; }

    /// <summary>Version of the CRIU that dumped, for example <c>4.2.1</c>; null until the dump is set up.</summary>
    public string? CriuVersion { get; init; }

    /// <summary>Memory that the restored tree occupies at once, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Every pid and tid of the tree in its own pid namespace, ascending.</summary>
    public required IReadOnlyList<int> ThreadIds { get; init; }

    /// <summary>The tree's pid namespace was not that of the inspector.</summary>
    public bool OwnPidNamespace { get; init; }

    /// <summary><c>v1</c>, <c>v2</c> or <c>hybrid</c>.</summary>
    public required string CgroupMode { get; init; }

    /// <summary>The tree reserves more address space than a careful kernel grants: <c>vm.overcommit_memory</c> must be 1.</summary>
    public bool NeedsOvercommit { get; init; }

    /// <summary>The largest writable private reserve, in bytes.</summary>
    public long ReservedBytes { get; init; }

    public IReadOnlyList<MappedFile> MappedFiles { get; init; } = [];

    public IReadOnlyList<OpenFile> OpenFiles { get; init; } = [];

    public IReadOnlyList<StdioEnd> OutsideEnds { get; init; } = [];

    /// <summary>Working directories and root of the processes.</summary>
    public IReadOnlyList<string> Directories { get; init; } = [];
}
