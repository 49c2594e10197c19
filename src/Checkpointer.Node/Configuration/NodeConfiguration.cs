using System.Net;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>How one node service is set up: the content of its configuration file, validated, with defaults filled in.</summary>
public sealed record NodeConfiguration
{
    public const string DefaultPath = "/etc/checkpointer/checkpointer.json";
    public const string DefaultSocket = "/run/checkpointer/checkpointer.sock";
    public const string DefaultStateDirectory = "/var/lib/checkpointer";
    public const string DefaultRunDirectory = "/run/checkpointer";
    public const string DefaultKeyFile = "/etc/checkpointer/repository.key";

    /// <summary>Room for four operations of the default size (512 MiB each).</summary>
    public const long DefaultMemoryBytes = 2L << 30;

    public const int DefaultMaxConcurrent = 4;

    /// <summary>Below this no operation fits: the smallest pool that an operation can work with.</summary>
    public const long MinMemoryBytes = 32L << 20;

    /// <summary>Each running operation has a CRIU, a hook and threads: more than this on one node is a slip of the keyboard.</summary>
    public const int MaxMaxConcurrent = 64;

    /// <summary>Running operations may finish for this long when the service is told to stop; then they are rolled back.</summary>
    public static readonly TimeSpan DefaultStopTimeout = TimeSpan.FromSeconds(60);

    public string Socket { get; init; } = DefaultSocket;

    public string StateDirectory { get; init; } = DefaultStateDirectory;

    public string RunDirectory { get; init; } = DefaultRunDirectory;

    /// <summary>Repositories by name. When there is any, requests may use these and no other, with their key files.</summary>
    public IReadOnlyDictionary<string, RepositoryEntry> Repositories { get; init; } = new Dictionary<string, RepositoryEntry>();

    /// <summary>Bytes of buffers for all operations together.</summary>
    public long MemoryBytes { get; init; } = DefaultMemoryBytes;

    public int MaxConcurrent { get; init; } = DefaultMaxConcurrent;

    public TimeSpan StopTimeout { get; init; } = DefaultStopTimeout;

    /// <summary>A TCP address for health and metrics only, or null: none.</summary>
    public IPEndPoint? MetricsListen { get; init; }

    public LogFormat LogFormat { get; init; } = LogFormat.Auto;

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>The CRIU to use, or null: looked for.</summary>
    public string? CriuPath { get; init; }

    /// <summary>The CUDA driver's library, or null: as the dynamic loader finds it.</summary>
    public string? CudaLibrary { get; init; }

    /// <summary>NVML's library, or null: as the dynamic loader finds it.</summary>
    public string? NvmlLibrary { get; init; }

    /// <summary>The container runtime's socket, or null: the first usual one that answers.</summary>
    public string? RuntimeEndpoint { get; init; }

    /// <summary>Where the hook and the owner of restored trees are, or null: beside the executable.</summary>
    public string? ShimDirectory { get; init; }
}

/// <summary>A repository that the service may use.</summary>
/// <param name="Url">Where it is.</param>
/// <param name="KeyFile">The path of its key file, or <c>passphrase-file:</c> and the path of a file with a passphrase.</param>
public sealed record RepositoryEntry(string Url, string KeyFile);

/// <summary>How the service writes its log.</summary>
public enum LogFormat
{
    /// <summary>For journald when systemd started us, else text.</summary>
    Auto,

    /// <summary>One line a record, for people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>One line a record with a syslog priority in front, as journald reads it.</summary>
    Systemd,
}
