namespace Checkpointer.Platform;

/// <summary>Checks that a path means to the kernel what it means to us.</summary>
internal static class NativePath
{
    /// <summary>A NUL would silently cut the path at the C boundary: <c>safe\0/../evil</c> must not become <c>safe</c>.</summary>
    internal static void Check(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A path cannot contain a NUL character.", nameof(path));
        }
    }
}
