using System.Text.Json;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Journal;

/// <summary>
/// The node's journal: one small fsynced file per operation in progress, flocked by the engine that runs it. An entry that nobody
/// holds was left by an engine that died, and any engine may recover it.
/// </summary>
public sealed class OperationJournal
{
    /// <summary>
    /// An entry names every process of a tree: 100,000 of them at some 90 bytes; or every file that a restore puts in place: 100,000 of them, whose paths
    /// are bounded all together. Both stay below this. Bytes.
    /// </summary>
    private const int MaxEntryBytes = 96 << 20;

    private readonly string _directory;

    /// <summary>Told each entry before it is written. For tests, which let that fail.</summary>
    internal Action<JournalEntry>? Writing { get; set; }

    public OperationJournal(string stateDirectory)
    {
        _directory = Path.Combine(stateDirectory, "operations");
    }

    /// <summary>Writes the first version of an entry and holds its lock until it is closed or this process ends.</summary>
    public OpenJournalEntry Open(JournalEntry entry)
    {
        StateDirectories.Create(_directory);
        var path = PathOf(entry.Operation);
        var held = FileLock.TryTake(path + ".lock")
            ?? throw new OperationFailedException("operation-exists", $"Operation {entry.Operation} is in progress already.");
        try
        {
            var open = new OpenJournalEntry(path, held, entry, Writing);
            open.Write(entry);
            return open;
        }
        catch
        {
            held.DeleteAndDispose();
            throw;
        }
    }

    /// <summary>Whether an operation is in progress, or was left by an engine that died.</summary>
    public bool Holds(string operation) => File.Exists(PathOf(operation));

    /// <summary>
    /// Entries that no living engine holds. The caller owns what it gets and must close or dispose each. One that cannot be read is
    /// told to <paramref name="unreadable"/> and stays where it is: it must not keep the others from being ended.
    /// </summary>
    public IReadOnlyList<OpenJournalEntry> TakeAbandoned(Action<string, HostException> unreadable)
    {
        if (!Directory.Exists(_directory))
        {
            return [];
        }

        List<OpenJournalEntry> taken = [];
        foreach (var path in Directory.EnumerateFiles(_directory, "*.json").Order(StringComparer.Ordinal))
        {
            var held = FileLock.TryTake(path + ".lock");
            if (held is null)
            {
                continue;
            }

            // It may have been closed between the listing and the lock.
            if (!File.Exists(path))
            {
                held.DeleteAndDispose();
                continue;
            }

            try
            {
                taken.Add(new OpenJournalEntry(path, held, Read(path), Writing));
            }
            catch (HostException e)
            {
                held.DeleteAndDispose();
                unreadable(Path.GetFileNameWithoutExtension(path), e);
            }
        }

        return taken;
    }

    private static JournalEntry Read(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MaxEntryBytes)
        {
            throw Unreadable(path, $"it has {length} bytes", null);
        }

        try
        {
            var bytes = File.ReadAllBytes(path);
            var version = JsonSerializer.Deserialize(bytes, JournalJson.Default.JournalVersion)?.Version ?? 0;
            if (version is < 1 or > JournalEntry.CurrentVersion)
            {
                throw new HostException(
                    "journal-too-new",
                    $"{path} has version {version}; this checkpointer knows up to {JournalEntry.CurrentVersion}.",
                    "Start the version that wrote it, or move the file away when no process of it runs any more.");
            }

            return JsonSerializer.Deserialize(bytes, JournalJson.Default.JournalEntry) ?? throw Unreadable(path, "it is empty", null);
        }
        catch (JsonException e)
        {
            throw Unreadable(path, "it is no journal entry", e);
        }
    }

    private static HostException Unreadable(string path, string why, Exception? inner) => new(
        "journal-unreadable",
        $"The journal entry {path} cannot be read: {why}.",
        "Look at the processes that it names, then move the file away.",
        inner);

    private string PathOf(string operation) => Path.Combine(_directory, operation + ".json");
}
