namespace Checkpointer.Platform;

/// <summary>Names and paths as bytes, ended by a NUL for the kernel.</summary>
internal static class CName
{
    /// <summary>Bytes with the NUL: the kernel's PATH_MAX.</summary>
    internal const int MaxPath = 4096;

    /// <summary>
    /// Copies a path and its NUL into <paramref name="buffer"/> (<see cref="MaxPath"/> bytes). One that is empty, too long or has a NUL in
    /// it (which would silently cut it) is an argument error.
    /// </summary>
    internal static void Copy(ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        if (path.IsEmpty || path.Length >= buffer.Length || path.Contains((byte)0))
        {
            throw new ArgumentException("A path has 1 to 4095 bytes and no NUL.", nameof(path));
        }

        path.CopyTo(buffer);
        buffer[path.Length] = 0;
    }

    /// <summary>
    /// As <see cref="Copy"/>, for one name in a directory: no slash, neither <c>.</c> nor <c>..</c>. So no call that takes a directory
    /// and a name leaves the directory, whoever gave the name.
    /// </summary>
    internal static void CopyName(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        if (name.Contains((byte)'/') || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
        {
            throw new ArgumentException("A name in a directory has no slash and is neither . nor ..", nameof(name));
        }

        Copy(name, buffer);
    }
}
