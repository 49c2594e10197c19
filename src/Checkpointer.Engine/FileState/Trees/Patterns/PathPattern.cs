namespace Checkpointer.Engine.FileState.Trees;

/// <summary>A whole path against the parts of an anchored pattern.</summary>
internal static class PathPattern
{
    /// <summary>As with names, only the last <c>**</c> is tried again.</summary>
    public static bool Matches(byte[][] parts, ReadOnlySpan<byte> path)
    {
        var p = 0;
        var deep = -1;
        ReadOnlySpan<byte> rest = path, again = default;
        while (!rest.IsEmpty)
        {
            if (p < parts.Length && FileTreePatterns.IsDeep(parts[p]))
            {
                if (p == parts.Length - 1)
                {
                    return true;
                }

                deep = p++;
                again = rest;
            }
            else if (p < parts.Length && NamePattern.Matches(parts[p], First(rest)))
            {
                p++;
                rest = Next(rest);
            }
            else if (deep >= 0)
            {
                p = deep + 1;
                again = Next(again);
                rest = again;
            }
            else
            {
                return false;
            }
        }

        return p == parts.Length;
    }

    private static ReadOnlySpan<byte> First(ReadOnlySpan<byte> path) => path.IndexOf((byte)'/') is var at and >= 0 ? path[..at] : path;

    private static ReadOnlySpan<byte> Next(ReadOnlySpan<byte> path) => path.IndexOf((byte)'/') is var at and >= 0 ? path[(at + 1)..] : default;
}
