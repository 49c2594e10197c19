using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Lineages;

/// <summary>
/// Which lineage a running process belongs to, and the highest generation this node has seen of each: the guard against a store
/// whose newest snapshots were removed to make an old one look like the latest.
/// </summary>
public sealed class LineageRegistry
{
    /// <summary>A record is some 150 bytes; anything far above it is not ours. Bytes.</summary>
    private const int MaxRecordBytes = 64 << 10;

    /// <summary>Whoever holds the lock reads and replaces one small file, with an fsync.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(30);

    /// <summary>Far more than run on a node; whoever is forgotten is found by its name, or stored whole once more.</summary>
    private const int MostPods = 1000;

    /// <summary>One for all lineages: no record is ever without its lock, and none is left behind.</summary>
    private const string LockName = "lock";

    private readonly string _processes;
    private readonly string _lineages;
    private readonly string _pods;

    public LineageRegistry(string stateDirectory)
    {
        _processes = Path.Combine(stateDirectory, "lineages", "processes");
        _lineages = Path.Combine(stateDirectory, "lineages", "seen");
        _pods = Path.Combine(stateDirectory, "lineages", "pods");
    }

    /// <summary>
    /// The last snapshot of this very process (same boot, pid and start time): the one that was made of it, or that it was restored from. Null: none is known.
    /// </summary>
    public SnapshotId? Find(ProcessIdentity process) =>
        Read(ProcessPath(process)) is { HighestGeneration: > 0 } record && LineageId.TryParse(record.Lineage, out var id)
            ? new SnapshotId(id, record.HighestGeneration)
            : null;

    /// <summary>Remembers that this process carries on a lineage.</summary>
    /// <param name="process">A running one.</param>
    /// <param name="snapshot">Its last.</param>
    /// <param name="repository">See <see cref="Saw"/>.</param>
    public void Bind(ProcessIdentity process, SnapshotId snapshot, string? repository)
    {
        Prune();
        Write(ProcessPath(process), new LineageRecord
        {
            Lineage = snapshot.Lineage.ToString(),
            HighestGeneration = snapshot.Generation,
            SeenFrom = OwnNamespace,
        });
        Saw(snapshot, repository);
    }

    /// <summary>The last snapshot of a pod as a whole, by its sandbox's id. Null: none is known. Its containers may have others, each alone.</summary>
    public SnapshotId? FindPod(string sandbox) =>
        Read(PodPath(sandbox)) is { HighestGeneration: > 0 } record && LineageId.TryParse(record.Lineage, out var id)
            ? new SnapshotId(id, record.HighestGeneration)
            : null;

    /// <summary>Remembers that this pod carries on a lineage. Of old pods the records go: a runtime's ids never come again.</summary>
    public void BindPod(string sandbox, SnapshotId snapshot, string? repository)
    {
        Write(PodPath(sandbox), new LineageRecord { Lineage = snapshot.Lineage.ToString(), HighestGeneration = snapshot.Generation });
        foreach (var old in new DirectoryInfo(_pods).EnumerateFiles("*.json").OrderByDescending(static f => f.LastWriteTimeUtc).Skip(MostPods))
        {
            old.Delete();
        }

        Saw(snapshot, repository);
    }

    /// <summary>Remembers a generation; lower ones than the highest change nothing. The service and embedded runs may say it at once.</summary>
    /// <param name="snapshot">A snapshot that is there.</param>
    /// <param name="repository">The id of the repository that has it; null where only its number is known.</param>
    public void Saw(SnapshotId snapshot, string? repository)
    {
        StateDirectories.Create(_lineages);
        using var held = PatientLock.Take(Path.Combine(_lineages, LockName), LockPatience, "state-locked");
        var known = Read(LineagePath(snapshot.Lineage));
        Dictionary<string, long> seen = known?.InRepositories ?? [];
        var isNewThere = repository is not null && snapshot.Generation > seen.GetValueOrDefault(repository);
        if (!isNewThere && snapshot.Generation <= (known?.HighestGeneration ?? 0))
        {
            return;
        }

        if (isNewThere)
        {
            seen[repository!] = snapshot.Generation;
        }

        Write(LineagePath(snapshot.Lineage), new LineageRecord
        {
            Lineage = snapshot.Lineage.ToString(),
            HighestGeneration = Math.Max(known?.HighestGeneration ?? 0, snapshot.Generation),
            InRepositories = seen,
        });
    }

    /// <summary>The highest generation this node has seen anywhere: numbers are not given twice, or copies would meet. Zero when it never saw one.</summary>
    public long HighestSeen(LineageId lineage) => Read(LineagePath(lineage))?.HighestGeneration ?? 0;

    /// <summary>The highest generation this node has seen in the repository of that id; zero when it never saw one there.</summary>
    public long HighestSeen(LineageId lineage, string repository) => Read(LineagePath(lineage))?.InRepositories.GetValueOrDefault(repository) ?? 0;

    private static ulong OwnNamespace => NamespaceInode.TryOf(Environment.ProcessId, "pid") ?? 0;

    /// <summary>Removes the records of processes that are gone, with their boot or by themselves: nobody can ask for them again.</summary>
    private void Prune()
    {
        if (!Directory.Exists(_processes))
        {
            return;
        }

        foreach (var path in Directory.EnumerateFiles(_processes, "*.json"))
        {
            if (IsGone(path))
            {
                File.Delete(path);
            }
        }
    }

    private static bool IsGone(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path).Split('-');
        if (name.Length < 3
            || !int.TryParse(name[^2], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            || !ulong.TryParse(name[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var started))
        {
            return false;
        }

        if (string.Join('-', name[..^2]) != Host.BootId)
        {
            return true;
        }

        // Looked up before the record is read: a pid that dies meanwhile is found the next time.
        var runs = ProcStat.Read(pid) is { IsZombie: false } stat && stat.StartTime == started;
        return !runs && TryRead(path)?.SeenFrom is { } from and not 0 && from == OwnNamespace;
    }

    /// <summary>Null also for a record that cannot be read: it is kept for a person to look at.</summary>
    private static LineageRecord? TryRead(string path)
    {
        try
        {
            return Read(path);
        }
        catch (HostException)
        {
            return null;
        }
    }

    private static LineageRecord? Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return file.Exists && file.Length <= MaxRecordBytes
                ? JsonSerializer.Deserialize(File.ReadAllBytes(path), JournalJson.Default.LineageRecord)
                : null;
        }
        catch (JsonException e)
        {
            throw new HostException("state-unreadable", $"{path} cannot be read: {e.Message}", "Remove the file; only the memory of a lineage is lost.", e);
        }
    }

    private static void Write(string path, LineageRecord record)
    {
        StateDirectories.Create(Path.GetDirectoryName(path)!);
        DurableFile.Create(path, JsonSerializer.SerializeToUtf8Bytes(record, JournalJson.Default.LineageRecord), createOnly: false);
    }

    private string ProcessPath(ProcessIdentity process) =>
        Path.Combine(_processes, string.Create(CultureInfo.InvariantCulture, $"{process.BootId}-{process.Pid}-{process.StartTime}.json"));

    /// <summary>An id is the runtime's, and could be anything: its digest is the name of a file.</summary>
    private string PodPath(string sandbox) =>
        Path.Combine(_pods, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sandbox))) + ".json");

    private string LineagePath(LineageId lineage) => Path.Combine(_lineages, lineage + ".json");
}
