using System.Text.Json.Serialization;

namespace Checkpointer.Engine.Journal;

/// <summary>
/// What must be known to end an operation whose engine died: who was stopped, in which network namespace, and how far it had come.
/// Written before each step that would have to be undone.
/// </summary>
public sealed record JournalEntry
{
    /// <summary>The version this code writes; an entry with a greater one is refused, never guessed at.</summary>
    public const int CurrentVersion = 3;

    public int Version { get; set; } = CurrentVersion;

    public required string Operation { get; init; }

    public required OperationKind Kind { get; init; }

    public required string Phase { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>The repository as it was named, without credentials, and the path of the key file, or with
    /// <c>passphrase-file:</c> in front of the passphrase's file (never its content).</summary>
    public required string Repository { get; init; }

    public required string KeyFile { get; init; }

    /// <summary>The boot this entry belongs to; another boot means that every process of it is gone.</summary>
    public required string BootId { get; init; }

    /// <summary>The tree at the time of inspection, root first. Empty for a restore that has not produced one.</summary>
    public List<JournalProcess> Processes { get; set; } = [];

    /// <summary>CRIU itself while it runs; null before and after.</summary>
    public JournalProcess? Criu { get; set; }

    /// <summary>CRIU's log: it names the firewall table of CRIU's network lock. Null where nothing is locked.</summary>
    public string? CriuLog { get; set; }

    /// <summary>The root of the network namespace that CRIU locks, as an inode; zero where nothing is locked.</summary>
    public ulong NetworkNamespace { get; set; }

    /// <summary>True when tasks of the tree may be stopped or traced right now.</summary>
    public bool Frozen { get; set; }

    public bool LeaveRunning { get; set; }

    /// <summary>The snapshot that this operation is about to commit or is restoring.</summary>
    public string? Snapshot { get; set; }

    /// <summary>A restore's tree: the directory that <c>checkpointer-init</c> keeps.</summary>
    public string? TreeDirectory { get; set; }

    /// <summary>A restore's tree was, or was about to be, let go: from then on it may have acted on the world.</summary>
    public bool Released { get; set; }

    /// <summary>What was done to CUDA processes and must be undone; null when nothing was. Since version 2.</summary>
    public JournalGpu? Gpu { get; set; }

    /// <summary>The placeholder that a restore goes into; null for a plain tree. Since version 3.</summary>
    public JournalContainer? Container { get; set; }

    /// <summary>Directories below the run directory that this operation made.</summary>
    public string? RunDirectory { get; set; }
}

/// <summary>Which way an operation goes. The names are persisted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationKind>))]
public enum OperationKind
{
    Checkpoint,
    Restore,
}

/// <summary>A process that a journal names: enough to know it again, and to know that it is gone.</summary>
public sealed record JournalProcess(int Pid, ulong StartTime, ulong PidNamespace, bool WasStopped);

/// <summary>A placeholder that a journal names.</summary>
/// <param name="Id">The runtime's id.</param>
/// <param name="Pid">Its PID 1, in our pid namespace.</param>
/// <param name="StartTime">Of its PID 1.</param>
/// <param name="PidNamespace">Inode of PID 1's pid namespace.</param>
public sealed record JournalContainer(string Id, int Pid, ulong StartTime, ulong PidNamespace);
