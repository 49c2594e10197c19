using System.Text.Json;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Lineages;

/// <summary>The restored trees of this node: a directory per tree with its record, its output and its owner's socket.</summary>
public sealed class TreeRegistry
{
    private const string RecordName = "tree.json";

    /// <summary>A record is some 400 bytes. Bytes.</summary>
    private const int MaxRecordBytes = 64 << 10;

    private readonly string _directory;

    public TreeRegistry(string stateDirectory)
    {
        _directory = Path.Combine(stateDirectory, "trees");
    }

    /// <summary>Where the tree of an operation keeps its files; the operation's id is checked, since it comes from outside.</summary>
    /// <exception cref="UsageException">The id could leave the directory.</exception>
    public string DirectoryOf(string operation)
    {
        if (operation.Length is 0 or > 64 || !operation.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'))
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
        return file.Exists && file.Length <= MaxRecordBytes
            ? JsonSerializer.Deserialize(File.ReadAllBytes(file.FullName), JournalJson.Default.TreeRecord)
            : null;
    }

    /// <summary>The living tree whose root is this process, or null.</summary>
    public TreeRecord? FindByRoot(ProcessIdentity root)
    {
        if (!Directory.Exists(_directory))
        {
            return null;
        }

        foreach (var path in Directory.EnumerateDirectories(_directory))
        {
            if (Read(Path.GetFileName(path)) is { } record
                && record.RootPid == root.Pid && record.RootStartTime == root.StartTime && record.BootId == root.BootId)
            {
                return record;
            }
        }

        return null;
    }
}
