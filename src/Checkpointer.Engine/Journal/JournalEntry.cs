using System.Text.Json.Serialization;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Journal;

/// <summary>
/// What must be known to end an operation whose engine died: who was stopped, in which network namespace, and how far it had come.
/// Written before each step that would have to be undone.
/// </summary>
public sealed record JournalEntry
{
    /// <summary>The version this code writes; an entry with a greater one is refused, never guessed at.</summary>
    public const int CurrentVersion = 5;

    /// <summary>What an operation on several trees, or into a cgroup that a person named, is written with.</summary>
    public const int SeveralTreesVersion = 4;

    /// <summary>What an operation on one tree is written with: whoever knows version 3 can end it.</summary>
    public const int OneTreeVersion = 3;

    public int Version { get; set; } = OneTreeVersion;

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

    /// <summary>The cgroup that a restore's tree joins because a person named it; null where the restore made its own. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JournalCgroup? Cgroup { get; set; }

    /// <summary>A restore's tree was, or was about to be, let go: from then on it may have acted on the world.</summary>
    public bool Released { get; set; }

    /// <summary>What was done to CUDA processes and must be undone; null when nothing was. Since version 2.</summary>
    public JournalGpu? Gpu { get; set; }

    /// <summary>The placeholder that a restore goes into; null for a plain tree. Since version 3.</summary>
    public JournalContainer? Container { get; set; }

    /// <summary>Directories below the run directory that this operation made.</summary>
    public string? RunDirectory { get; set; }

    /// <summary>The cgroup that is frozen while its tree is dumped, by name; null where none is. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Freezer { get; set; }

    /// <summary>The <c>checkpointer-init guard</c> that thaws the freezers should the engine die; null where nothing is frozen by them. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JournalProcess? Guard { get; set; }

    /// <summary>The nftables table that keeps a pod's containers from each other until all are restored. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NetworkTable { get; set; }

    /// <summary>The sandbox of the pod that a restore goes into, by the runtime's id. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sandbox { get; set; }

    /// <summary>The containers of a pod, of which the members above that name processes say nothing then; null for one tree. Since version 4.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<JournalMember>? Members { get; set; }

    /// <summary>The files of the snapshot that a restore puts in place; null where it puts none. Since version 5.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JournalStateFiles? StateFiles { get; set; }

    /// <summary>The uid of a pod that was, or was about to be, made for a restore; null where none is. Since version 5.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MadePod { get; set; }

    /// <summary>Nothing is to be undone but the making of the pod.</summary>
    [JsonIgnore]
    internal bool IsOnlyMadePod => MadePod is not null && TreeDirectory is null && Members is null;

    /// <summary>The entry of a restore of which nothing is left but the pod that was made for it.</summary>
    internal JournalEntry OnlyMadePod() => this with
    {
        Phase = OperationPhase.Prepare,
        Processes = [],
        TreeDirectory = null,
        Container = null,
        Members = null,
        NetworkTable = null,
        Sandbox = null,
        Gpu = null,
        StateFiles = null,
        Released = false,
    };

    /// <summary>The operation as if on each of its trees alone.</summary>
    [JsonIgnore]
    internal IReadOnlyList<JournalEntry> Parts => Members is null ? [this] : [.. Members.Select(PartOf)];

    /// <summary>How every operation begins: nothing is touched yet.</summary>
    internal static JournalEntry Begin(
        string operation, OperationKind kind, DateTimeOffset started, string repository, string keyFile, string bootId, SnapshotId snapshot, string? runDirectory)
    {
        return new JournalEntry
        {
            Operation = operation,
            Kind = kind,
            Phase = OperationPhase.Prepare,
            Started = started,
            Repository = RepositoryUrl.WithoutSecret(repository),
            KeyFile = KeyReference.Parse(keyFile).Absolute().ToString(),
            BootId = bootId,
            Snapshot = snapshot.ToString(),
            RunDirectory = runDirectory,
        };
    }

    /// <summary>The same entry with one of its trees changed.</summary>
    internal JournalEntry With(int tree, Func<JournalEntry, JournalEntry> change)
    {
        if (Members is null)
        {
            return change(this);
        }

        var members = Members.ToList();
        members[tree] = JournalMember.Of(change(PartOf(members[tree])));
        return this with { Members = members };
    }

    private JournalEntry PartOf(JournalMember member) => this with
    {
        Members = null,
        Processes = member.Processes,
        Criu = member.Criu,
        CriuLog = member.CriuLog,
        NetworkNamespace = member.NetworkNamespace,
        TreeDirectory = member.TreeDirectory,
        Container = member.Container,
        Freezer = member.Freezer,
    };
}

/// <summary>A container of a pod in a journal: the members of <see cref="JournalEntry"/> of the same names, for its tree. Since version 4.</summary>
public sealed record JournalMember
{
    public List<JournalProcess> Processes { get; set; } = [];

    public JournalProcess? Criu { get; set; }

    public string? CriuLog { get; set; }

    public ulong NetworkNamespace { get; set; }

    public string? TreeDirectory { get; set; }

    public JournalContainer? Container { get; set; }

    public string? Freezer { get; set; }

    internal static JournalMember Of(JournalEntry part) => new()
    {
        Processes = part.Processes,
        Criu = part.Criu,
        CriuLog = part.CriuLog,
        NetworkNamespace = part.NetworkNamespace,
        TreeDirectory = part.TreeDirectory,
        Container = part.Container,
        Freezer = part.Freezer,
    };
}

/// <summary>Which way an operation goes. The names are persisted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationKind>))]
public enum OperationKind
{
    Checkpoint,
    Restore,
}

/// <summary>A process that a journal names: enough to know it again, and to know that it is gone.</summary>
public sealed record JournalProcess(int Pid, ulong StartTime, ulong PidNamespace, bool WasStopped)
{
    /// <summary>A handle that is certain to be this process; null when it is gone.</summary>
    internal PidFd? Open()
    {
        var process = PidFd.Open(Pid);
        // Looked at after opening: what has the start time now had it when it was opened.
        if (process is not null && ProcStat.Read(Pid)?.StartTime == StartTime)
        {
            return process;
        }

        process?.Dispose();
        return null;
    }
}

/// <summary>A placeholder that a journal names.</summary>
/// <param name="Id">The runtime's id.</param>
/// <param name="Pid">Its PID 1, in our pid namespace.</param>
/// <param name="StartTime">Of its PID 1.</param>
/// <param name="PidNamespace">Inode of PID 1's pid namespace.</param>
public sealed record JournalContainer(string Id, int Pid, ulong StartTime, ulong PidNamespace);

/// <summary>A cgroup that a restored tree shares with others, and what is known of the tree's processes.</summary>
/// <param name="Name">As <see cref="Checkpointer.Platform.Cgroup.Open(string)"/> takes it.</param>
/// <param name="ThreadIds">The ids that the tree's threads get; none where it has a pid namespace of its own, which dies with its owner.</param>
public sealed record JournalCgroup(string Name, IReadOnlyList<int> ThreadIds);
