using System.Text;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Patterns of paths. A pattern with a slash in it is anchored at the tree's root (<c>/var/cache/**</c>, <c>run/*.pid</c>); one without
/// matches a name at any depth (<c>*.tmp</c>). <c>*</c> stands for any bytes of one name, <c>?</c> for one byte, <c>**</c> as a whole part
/// for any number of names (at the end: at least one); everything else, brackets and backslashes too, stands for itself. A directory that
/// matches goes with all that is below it.
/// </summary>
internal sealed class FileTreePatterns
{
    private readonly byte[][][] _anchored;
    private readonly byte[][] _names;

    private FileTreePatterns(IReadOnlyList<byte[]> texts, byte[][][] anchored, byte[][] names)
    {
        Texts = texts;
        _anchored = anchored;
        _names = names;
    }

    public static FileTreePatterns None { get; } = new([], [], []);

    /// <summary>As they were given.</summary>
    public IReadOnlyList<byte[]> Texts { get; }

    public bool IsEmpty => Texts.Count == 0;

    /// <summary>Patterns as a person writes them.</summary>
    /// <exception cref="UsageException">One of them is none, or there are too many.</exception>
    public static FileTreePatterns Parse(IReadOnlyList<string> patterns)
    {
        if (patterns.Count > FileTreeLimits.MaxPatterns)
        {
            throw new UsageException("exclude-invalid", $"There are {patterns.Count} patterns; at most {FileTreeLimits.MaxPatterns} are possible.");
        }

        return TryRead([.. patterns.Select(Encoding.UTF8.GetBytes)], out var bad)
            ?? throw new UsageException(
                "exclude-invalid",
                $"'{patterns[bad]}' is no pattern of paths: it must not be empty, nor have an empty part, '.' or '..' in it.",
                "Write it relative to the mount point, such as /var/cache/** or *.tmp.");
    }

    /// <summary>The same from an index; null and the number of the first wrong one.</summary>
    public static FileTreePatterns? TryRead(IReadOnlyList<byte[]> texts, out int bad)
    {
        List<byte[][]> anchored = [];
        List<byte[]> names = [];
        for (bad = 0; bad < texts.Count; bad++)
        {
            var text = texts[bad];
            var parts = Split(text);
            if (parts is null)
            {
                return null;
            }

            if (parts.Length == 1 && !text.Contains((byte)'/') && !IsDeep(parts[0]))
            {
                names.Add(parts[0]);
            }
            else
            {
                anchored.Add(parts);
            }
        }

        return new FileTreePatterns(texts, [.. anchored], [.. names]);
    }

    /// <summary>Whether a path (names joined by slashes, relative to the root) matches. What lies above it has been asked before.</summary>
    public bool Matches(ReadOnlySpan<byte> path)
    {
        var name = path[(path.LastIndexOf((byte)'/') + 1)..];
        foreach (var pattern in _names)
        {
            if (NamePattern.Matches(pattern, name))
            {
                return true;
            }
        }

        foreach (var pattern in _anchored)
        {
            if (PathPattern.Matches(pattern, path))
            {
                return true;
            }
        }

        return false;
    }

    internal static bool IsDeep(ReadOnlySpan<byte> part) => part.SequenceEqual("**"u8);

    private static byte[][]? Split(byte[] text)
    {
        if (text.Length is 0 or > FileTreeLimits.MaxPattern || text.Contains((byte)0))
        {
            return null;
        }

        List<byte[]> parts = [];
        var rest = text.AsSpan(text[0] == '/' ? 1 : 0);
        if (rest.Length > 0 && rest[^1] == '/')
        {
            rest = rest[..^1];
        }

        foreach (var range in rest.Split((byte)'/'))
        {
            var part = rest[range];
            if (part.IsEmpty || part.SequenceEqual("."u8) || part.SequenceEqual(".."u8))
            {
                return null;
            }

            // Several of them in a row say no more than one.
            if (!IsDeep(part) || parts.Count == 0 || !IsDeep(parts[^1]))
            {
                parts.Add(part.ToArray());
            }
        }

        return parts.Count > 0 ? [.. parts] : null;
    }
}
