namespace Checkpointer.Engine.FileState.Trees;

/// <summary>What an extended attribute of an overlay's upper directory means.</summary>
internal enum OverlayMeaning
{
    /// <summary>Not the overlay's: the merged view shows it.</summary>
    None,

    /// <summary>The overlay's own book-keeping; the target's overlay makes its own.</summary>
    Private,

    /// <summary>Marks a directory as opaque, when its value is <c>y</c>.</summary>
    Opaque,

    /// <summary>Marks an empty file as a whiteout.</summary>
    Whiteout,

    /// <summary>An attribute of a file that itself belongs to an inner overlay, escaped by one level.</summary>
    Escaped,

    /// <summary>The name or the content lies in a lower layer: the upper directory does not hold the file.</summary>
    Elsewhere,
}

/// <summary>The attributes by which overlayfs keeps its state in the upper directory (Documentation/filesystems/overlayfs.rst).</summary>
internal static class OverlayAttributes
{
    private static ReadOnlySpan<byte> Trusted => "trusted.overlay."u8;

    private static ReadOnlySpan<byte> User => "user.overlay."u8;

    public static OverlayMeaning Of(ReadOnlySpan<byte> name)
    {
        if (name.StartsWith(User))
        {
            // Either an overlay mounted with userxattr, whose state this would be, or a file's own attribute; nobody can tell.
            return Meaning(name[User.Length..]) == OverlayMeaning.Private ? OverlayMeaning.Private : OverlayMeaning.Elsewhere;
        }

        return name.StartsWith(Trusted) ? Meaning(name[Trusted.Length..]) : OverlayMeaning.None;
    }

    /// <summary>The name that an escaped attribute has in the merged view: its first <c>overlay.</c> once.</summary>
    public static int Unescape(Span<byte> name)
    {
        ReadOnlySpan<byte> level = "overlay."u8;
        name[Trusted.Length..].CopyTo(name[(Trusted.Length - level.Length)..]);
        return name.Length - level.Length;
    }

    private static OverlayMeaning Meaning(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("opaque"u8))
        {
            return OverlayMeaning.Opaque;
        }

        if (name.SequenceEqual("whiteout"u8))
        {
            return OverlayMeaning.Whiteout;
        }

        if (name.StartsWith("overlay."u8))
        {
            return OverlayMeaning.Escaped;
        }

        return name.SequenceEqual("redirect"u8) || name.SequenceEqual("metacopy"u8) || name.SequenceEqual("verity"u8)
            ? OverlayMeaning.Elsewhere
            : OverlayMeaning.Private;
    }
}
