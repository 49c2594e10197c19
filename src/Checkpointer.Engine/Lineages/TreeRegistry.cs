using System.Text.Json;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Lineages;

/// <summary>The restored trees of this node: a directory per tree with its record, its output and its owner's socket.</summary>
public sealed class TreeRegistry
{
    /// <summary>The file that makes a directory a tree that was let go.</summary>
    internal const string RecordName = "tree.json";

    /// <summary>A record is some 400 bytes. Bytes.</summary>
    private const int MaxRecordBytes = 64 << 10; // a pod has 64 containers at most

    private readonly string _directory;

    public TreeRegistry(string stateDirectory)
    {
        _directory = Path.Combine(stateDirectory, "trees");
    }

    /// <summary>Where the tree of an operation keeps its files; the operation's id is checked, since it comes from outside.</summary>
    /// <exception cref="UsageException">The id could leave the directory.</exception>
    public string DirectoryOf(string operation)
    {
        if (!RequestCheck.IsId(operation))
        {
            throw new UsageException("operation-id", $"\"{operation}\" is no operation id.", "Take one from `checkpointer operations`.");
        }

        return Path.Combine(_directory, operation);
    }

    public void Write(TreeRecord record) => DurableFile.Create(
        Path.Combine(DirectoryOf(record.Operation), RecordName),
        JsonSerializer.SerializeToUtf8Bytes(record, JournalJson.Default.TreeRecord),
        createOnly: false);

    public TreeRecord? Read(string operation)
    {
        var file = new FileInfo(Path.Combine(DirectoryOf(operation), RecordName));
        try
        {
            return file.Exists && file.Length <= MaxRecordBytes
                ? JsonSerializer.Deserialize(File.ReadAllBytes(file.FullName), JournalJson.Default.TreeRecord)
                : null;
        }
        catch (JsonException e)
        {
            throw new HostException(
                "state-unreadable", $"{file.FullName} cannot be read: {e.Message}", "Move the file away once its tree has ended.", e);
        }
    }

    /// <summary>The operations that left a directory here.</summary>
    public IReadOnlyList<string> Operations() => Directory.Exists(_directory)
        ? [.. Directory.EnumerateDirectories(_directory).Select(Path.GetFileName).OfType<string>().Where(RequestCheck.IsId)]
        : [];

    /// <summary>The living tree whose root is this process, or null.</summary>
    public TreeRecord? FindByRoot(ProcessIdentity root)
    {
        foreach (var operation in Operations())
        {
            if (Read(operation) is { } record
                && record.RootPid == root.Pid && record.RootStartTime == root.StartTime && record.BootId == root.BootId)
            {
                return record;
            }
        }

        return null;
    }
}
