using System.Text.Json.Serialization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Journal;

/// <summary>
/// The files that a restore puts in place, so that what was there before can be put back. Written twice: before anything is made, with paths alone, and
/// when all contents are written, before the first name is changed, with what each name stood for.
/// </summary>
public sealed record JournalStateFiles
{
    /// <summary>Directories that did not exist, topmost first.</summary>
    public List<string> Directories { get; set; } = [];

    /// <summary>In the order in which they are put in place. A file's number in the list is in its name beside the place.</summary>
    public required List<JournalStateFile> Files { get; init; }
}

/// <summary>One file.</summary>
public sealed record JournalStateFile
{
    /// <summary>Absolute and canonical.</summary>
    public required string Path { get; init; }

    /// <summary>What comes from the snapshot; null: its content is still being written, and nothing has changed at <see cref="Path"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JournalFileIdentity? New { get; set; }

    /// <summary>What was there; null: nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JournalFileIdentity? Old { get; set; }
}

/// <summary>Enough to know a file again, whatever its name is by then.</summary>
/// <param name="Inode">On its file system.</param>
/// <param name="Device">As the kernel numbers it until it is started anew.</param>
/// <param name="Born">When it was made, nanoseconds since 1970: inodes are used again, often at once. 0 where the file system does not say.</param>
/// <param name="Uid">Its owner: in a directory where everybody may make files nobody can pass his own off as another's.</param>
public sealed record JournalFileIdentity(ulong Inode, ulong Device, long Born, uint Uid)
{
    internal static JournalFileIdentity Of(FileStatus status) => new(status.Inode, status.Device.Value, status.BornNanoseconds, status.Uid);

    /// <param name="status">A file; null: none.</param>
    /// <param name="sameBoot">Devices have the numbers that they had.</param>
    internal bool Is(FileStatus? status, bool sameBoot) =>
        status is { Type: FileType.Regular } && status.Inode == Inode && status.BornNanoseconds == Born && status.Uid == Uid && (!sameBoot || status.Device.Value == Device);
}
