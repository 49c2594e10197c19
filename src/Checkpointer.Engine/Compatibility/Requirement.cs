using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Compatibility;

/// <summary>A file that the tree maps. CRIU wants it at restore with the same size and build-id.</summary>
public sealed record MappedFile(string Path, long Size, string? BuildId);

/// <summary>A regular file that the tree has open. CRIU wants it at restore.</summary>
/// <param name="Path">Absolute path as the tree sees it.</param>
/// <param name="Size">Bytes at the inspection.</param>
/// <param name="ModifiedNanoseconds">Modification time, nanoseconds since 1970.</param>
/// <param name="Writable">Some process may write it.</param>
/// <param name="SizeChecked">CRIU refuses another size; it does not for logs (write-only and append).</param>
public sealed record OpenFile(string Path, long Size, long ModifiedNanoseconds, bool Writable, bool SizeChecked);

/// <summary>A connected TCP socket of the tree.</summary>
/// <param name="Local">Address and port of our end.</param>
/// <param name="Remote">Address and port of the peer.</param>
/// <param name="PeerInside">The other end is in the tree too.</param>
public sealed record TcpConnection(string Local, string Remote, bool PeerInside);

/// <summary>An address that the tree listens on (TCP), or is bound to (UDP).</summary>
public sealed record ListeningAddress(string Protocol, string Address);

/// <summary>What a node must offer to restore one snapshot: recorded at dump from the workload, kept in the manifest.</summary>
public sealed record Requirement
{
    /// <summary>As uname says: <c>x86_64</c>, <c>aarch64</c>.</summary>
    public required string Architecture { get; init; }

    public required IReadOnlyList<string> CpuFlags { get; init; }

    public required string CpuModel { get; init; }

    public required string KernelRelease { get; init; }

    /// <summary>Version of the CRIU that dumped, for example <c>4.2.1</c>; null until the dump is set up.</summary>
    public string? CriuVersion { get; set; }

    /// <summary>Memory that the restored tree occupies at once, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Every pid and tid of the tree in its own pid namespace, ascending.</summary>
    public required IReadOnlyList<int> ThreadIds { get; init; }

    /// <summary>The tree's pid namespace was not that of the inspector.</summary>
    public bool OwnPidNamespace { get; set; }

    /// <summary><c>v1</c>, <c>v2</c> or <c>hybrid</c>.</summary>
    public required string CgroupMode { get; init; }

    /// <summary>The tree reserves more address space than a careful kernel grants: <c>vm.overcommit_memory</c> must be 1.</summary>
    public bool NeedsOvercommit { get; set; }

    /// <summary>The largest private mapping, reserved or used, in bytes.</summary>
    public long LargestMapping { get; set; }

    /// <summary>All private mappings of the tree, in bytes.</summary>
    public long PrivateBytes { get; set; }

    public IReadOnlyList<MappedFile> MappedFiles { get; set; } = [];

    public IReadOnlyList<OpenFile> OpenFiles { get; set; } = [];

    public IReadOnlyList<StdioEnd> OutsideEnds { get; set; } = [];

    public IReadOnlyList<TcpConnection> Connections { get; set; } = [];

    public IReadOnlyList<ListeningAddress> Listening { get; set; } = [];

    /// <summary>Working directories, open directories and roots of the processes.</summary>
    public IReadOnlyList<string> Directories { get; set; } = [];
}
