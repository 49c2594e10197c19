using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>What a name on the control socket may look like, and what it says about the file.</summary>
internal static class ImageNames
{
    /// <summary>The file that CRIU writes last: its end makes an image complete.</summary>
    public const string Inventory = "inventory.img";

    /// <summary>Characters. The repository and every file system that an image can be exported to take names of this length.</summary>
    public const int MaxLength = SnapshotWriter.MaxFileName;

    private const string PagesPrefix = "pages-";

    // Files that are bulk from their first byte; any other file becomes bulk when it turns out to be large.
    private static readonly string[] BulkPrefixes = [PagesPrefix, "ghost-file-", "pipes-data", "fifo-data", "tmpfs-", "amdgpu-"];

    /// <summary>
    /// Letters, digits, '.', '_' and '-', not starting with a dot or dash: nothing that names another directory, an option or a control code.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > MaxLength || name[0] == (byte)'.' || name[0] == (byte)'-')
        {
            return false;
        }
        foreach (byte b in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'.' or (byte)'_' or (byte)'-'))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Raw page files are cut at page boundaries, everything else is a byte stream.</summary>
    public static FileKind KindOf(string name) => name.StartsWith(PagesPrefix, StringComparison.Ordinal) ? FileKind.Pages : FileKind.Bytes;

    /// <summary>True for files that go into pool blocks from their first byte.</summary>
    public static bool IsBulk(string name)
    {
        foreach (string prefix in BulkPrefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return true;
            }
        }
        return false;
    }
}
