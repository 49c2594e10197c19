using System.Globalization;
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

    private readonly string _processes;
    private readonly string _lineages;

    public LineageRegistry(string stateDirectory)
    {
        _processes = Path.Combine(stateDirectory, "lineages", "processes");
        _lineages = Path.Combine(stateDirectory, "lineages", "seen");
    }

    /// <summary>
    /// The last snapshot of this very process (same boot, pid and start time): the one that was made of it, or that it was restored from. Null: none is known.
    /// </summary>
    public SnapshotId? Find(ProcessIdentity process) =>
        Read(ProcessPath(process)) is { HighestGeneration: > 0 } record && LineageId.TryParse(record.Lineage, out var id)
            ? new SnapshotId(id, record.HighestGeneration)
            : null;

    /// <summary>Remembers that this process carries on a lineage.</summary>
    public void Bind(ProcessIdentity process, LineageId lineage, long generation)
    {
        Write(ProcessPath(process), new LineageRecord { Lineage = lineage.ToString(), HighestGeneration = generation });
        Saw(lineage, generation);
    }

    /// <summary>Remembers a generation; lower ones than the highest change nothing.</summary>
    public void Saw(LineageId lineage, long generation)
    {
        if (generation > HighestSeen(lineage))
        {
            Write(LineagePath(lineage), new LineageRecord { Lineage = lineage.ToString(), HighestGeneration = generation });
        }
    }

    /// <summary>The highest generation this node has seen; zero when it never saw one.</summary>
    public long HighestSeen(LineageId lineage) => Read(LineagePath(lineage))?.HighestGeneration ?? 0;

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

    private string LineagePath(LineageId lineage) => Path.Combine(_lineages, lineage + ".json");
}
