namespace Checkpointer.Engine.Criu;

/// <summary>
/// Edits CRIU's <c>mountpoints-N.img</c> for external mounts whose source was deleted on the node, or replaced by another file of the same name. CRIU
/// dumps such a mount like any other, and at restore first makes its source anew where the mount comes from, so that it can delete it again.
/// An external mount comes from what takes its place, which is there: CRIU then fails with "Can't re-create deleted file". For an
/// external mount it does not matter what became of the old source, so it is not told.
/// </summary>
public static class MountsImage
{
    /// <summary>Largest image that is edited, in bytes: a mount takes some 200, with two paths of any length.</summary>
    public const int MaximumBytes = 16 << 20;

    private const string Prefix = "mountpoints-";

    private const int DeletedField = 16;
    private const int ExternalField = 18;

    /// <summary>Whether an image file is the mounts of a mount namespace.</summary>
    public static bool IsName(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The edited image, of the same length; whatever is not understood stays as it is, so that CRIU judges it.</summary>
    public static byte[] WithoutDeletedSources(ReadOnlySpan<byte> image) => ImageEntries.Edit(image, Edit);

    private static void Edit(Span<byte> mount)
    {
        Range? deleted = null;
        var external = false;
        ProtobufReader reader = new(mount);
        while (reader.Next(out int field, out _, out ReadOnlySpan<byte> bytes))
        {
            if (field == DeletedField && bytes.IsEmpty)
            {
                deleted = reader.LastVarint;
            }
            else if (field == ExternalField)
            {
                external = bytes.Length > 0;
            }
        }

        if (external)
        {
            ImageEntries.Clear(mount, deleted);
        }
    }
}
