namespace Checkpointer.Containers.Tests;

/// <summary>How a test wants its container.</summary>
internal sealed record ContainerOptions
{
    internal const string WorkloadImage = "localhost/workload:1";
    internal const string ToolsImage = "localhost/tools:1";

    public required IReadOnlyList<string> Command { get; init; }

    public string Image { get; init; } = WorkloadImage;

    /// <summary>In its pod; it also names the log.</summary>
    public string Name { get; init; } = "main";

    public bool Tty { get; init; }

    /// <summary>Null: as the image says, which is root.</summary>
    public long? User { get; init; }

    public bool ReadOnlyRoot { get; init; }

    /// <summary>Taken from what the runtime gives by default, as CRI names them: <c>KILL</c>.</summary>
    public IReadOnlyList<string> DroppedCapabilities { get; init; } = [];

    /// <summary>The runtime's own filter.</summary>
    public bool Seccomp { get; init; }

    public bool NoNewPrivileges { get; init; }

    public IReadOnlyList<BindMount> Mounts { get; init; } = [];

    /// <summary>Device files that it may use.</summary>
    public IReadOnlyList<BindMount> Devices { get; init; } = [];

    /// <summary>Bytes; 0 is no limit.</summary>
    public long MemoryLimit { get; init; }

    /// <summary>The static workload with these checks.</summary>
    public static ContainerOptions Workload(params string[] arguments) => new() { Command = ["/workload", .. arguments] };
}

/// <param name="Source">On the node.</param>
/// <param name="Destination">In the container.</param>
/// <param name="ReadOnly">It cannot be written.</param>
internal sealed record BindMount(string Source, string Destination, bool ReadOnly = false);
