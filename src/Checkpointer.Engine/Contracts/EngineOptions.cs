namespace Checkpointer.Engine;

/// <summary>Where the engine keeps its state and finds its helpers. Shared by every operation of one node.</summary>
public sealed record EngineOptions
{
    /// <summary>Durable state: the journal, the lineage registry, restored trees. Survives a reboot.</summary>
    public string StateDirectory { get; init; } = "/var/lib/checkpointer";

    /// <summary>Volatile state: sockets and image directories of running operations. A small tmpfs is mounted where it is a disk.</summary>
    public string RunDirectory { get; init; } = "/run/checkpointer";

    /// <summary>The CRIU executable; null looks in the places that <c>CriuLocator</c> names.</summary>
    public string? CriuPath { get; init; }

    /// <summary>The directory that holds <c>checkpointer-hook</c>, <c>checkpointer-init</c> and <c>checkpointer-gpu</c>; null is the executable's own.</summary>
    public string? ShimDirectory { get; init; }

    /// <summary>
    /// URLs of repositories with the signatures that they need: the journal keeps URLs without them, and recovery finds them here.
    /// </summary>
    public IReadOnlyList<string> Repositories { get; init; } = [];

    /// <summary>How long a silent stream, commit or hook may stand still before the operation is rolled back.</summary>
    public TimeSpan StallLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The container runtime's socket, as a path or <c>unix://</c> URL; null looks in the usual places.</summary>
    public string? RuntimeEndpoint { get; init; }

    /// <summary>It was named with the very command that is carried out: what is wrong with it is wrong usage.</summary>
    public bool RuntimeEndpointGiven { get; init; }

    /// <summary>How GPUs are reached.</summary>
    public GpuOptions Gpu { get; init; } = new();
}
