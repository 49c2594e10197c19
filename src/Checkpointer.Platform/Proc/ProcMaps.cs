using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>One mapping of a process, from <c>/proc/PID/maps</c> or <c>/proc/PID/smaps</c>. Sizes are in bytes.</summary>
public sealed record ProcMapping
{
    private const string DeletedSuffix = " (deleted)";

    public required ulong Start { get; init; }

    public required ulong End { get; init; }

    /// <summary>Four letters: r w x, then p (private) or s (shared).</summary>
    public required string Permissions { get; init; }

    public required ulong Offset { get; init; }

    /// <summary>Device of the mapped file, <c>major:minor</c> in hexadecimal, <c>00:00</c> for anonymous memory.</summary>
    public required string Device { get; init; }

    public required ulong Inode { get; init; }

    /// <summary>The mapped file without <c> (deleted)</c>, a name such as <c>[heap]</c>, or empty.</summary>
    public required string Path { get; init; }

    public bool IsDeleted { get; init; }

    /// <summary>smaps only.</summary>
    public long Resident { get; init; }

    /// <summary>smaps only: pages that are not those of the file.</summary>
    public long Anonymous { get; init; }

    /// <summary>smaps only.</summary>
    public long Swap { get; init; }

    /// <summary>smaps only: the two-letter flags, such as <c>ht</c> (huge TLB) and <c>io</c>.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    public long Length => (long)(End - Start);

    public bool IsShared => Permissions[3] == 's';

    public bool IsWritable => Permissions[1] == 'w';

    public bool IsHugeTlb => Flags.Contains("ht");

    /// <summary>True when a file with a name lies behind it (not anonymous, not <c>[heap]</c>).</summary>
    public bool IsFile => Inode != 0 && Path.StartsWith('/');

    /// <summary>Parses a header line.</summary>
    /// <exception cref="FormatException">The line is no mapping.</exception>
    public static ProcMapping ParseLine(string line)
    {
        // address perms offset dev inode, then blanks and the path, which may hold blanks itself
        ReadOnlySpan<char> rest = line;
        ReadOnlySpan<char> range = Next(ref rest);
        string permissions = Next(ref rest).ToString();
        ReadOnlySpan<char> offset = Next(ref rest);
        string device = Next(ref rest).ToString();
        ReadOnlySpan<char> inode = Next(ref rest);
        int dash = range.IndexOf('-');
        if (dash < 1 || permissions.Length != 4)
        {
            throw new FormatException($"not a mapping: '{line}'");
        }

        string path = ProcText.Unescape(rest.TrimStart(' ').ToString());
        bool deleted = path.StartsWith('/') && path.EndsWith(DeletedSuffix, StringComparison.Ordinal);
        return new ProcMapping
        {
            Start = ulong.Parse(range[..dash], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            End = ulong.Parse(range[(dash + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            Permissions = permissions,
            Offset = ulong.Parse(offset, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            Device = device,
            Inode = ulong.Parse(inode, CultureInfo.InvariantCulture),
            Path = deleted ? path[..^DeletedSuffix.Length] : path,
            IsDeleted = deleted,
        };
    }

    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> rest)
    {
        int end = rest.IndexOf(' ');
        ReadOnlySpan<char> field = end < 0 ? rest : rest[..end];
        rest = end < 0 ? [] : rest[(end + 1)..];
        return field;
    }
}

/// <summary>The mappings of a process.</summary>
public static class ProcMaps
{
    /// <summary>Reads <c>smaps</c> (with sizes and flags); empty when the process is gone.</summary>
    public static IReadOnlyList<ProcMapping> ReadDetailed(int pid)
    {
        return ParseDetailed(ProcText.Lines($"/proc/{pid}/smaps"));
    }

    /// <summary>Reads <c>maps</c>; empty when the process is gone.</summary>
    public static IReadOnlyList<ProcMapping> Read(int pid)
    {
        return ProcText.Lines($"/proc/{pid}/maps").Select(ProcMapping.ParseLine).ToList();
    }

    /// <summary>Parses the lines of <c>smaps</c> (or of <c>maps</c>, which has no details).</summary>
    public static IReadOnlyList<ProcMapping> ParseDetailed(IEnumerable<string> lines)
    {
        List<ProcMapping> mappings = [];
        foreach (string line in lines)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            int blank = line.IndexOf(' ', StringComparison.Ordinal);

            // "Rss:   12 kB" has its colon before the first blank; a header line begins with an address range.
            if (colon < 0 || blank < 0 || colon > blank)
            {
                mappings.Add(ProcMapping.ParseLine(line));
            }
            else if (mappings.Count > 0)
            {
                mappings[^1] = WithDetail(mappings[^1], line[..colon], line[(colon + 1)..]);
            }
        }

        return mappings;
    }

    private static ProcMapping WithDetail(ProcMapping mapping, string name, string value)
    {
        return name switch
        {
            "Rss" => mapping with { Resident = Kilobytes(value) },
            "Anonymous" => mapping with { Anonymous = Kilobytes(value) },
            "Swap" => mapping with { Swap = Kilobytes(value) },
            "VmFlags" => mapping with { Flags = value.Split(' ', StringSplitOptions.RemoveEmptyEntries) },
            _ => mapping,
        };
    }

    private static long Kilobytes(string value)
    {
        ReadOnlySpan<char> number = value.AsSpan().Trim();
        int end = number.IndexOf(' ');
        return long.Parse(end < 0 ? number : number[..end], CultureInfo.InvariantCulture) * 1024;
    }
}
