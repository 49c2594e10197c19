using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>One line of <c>/proc/PID/mountinfo</c>.</summary>
public sealed record ProcMountInfo
{
    private const int FieldsBeforeOptional = 6;

    public required int Id { get; init; }

    public required int ParentId { get; init; }

    public required DeviceNumber Device { get; init; }

    /// <summary>Which directory of the file system is mounted.</summary>
    public required string FileSystemRoot { get; init; }

    /// <summary>Where, as the process sees it.</summary>
    public required string MountPoint { get; init; }

    public required string Options { get; init; }

    /// <summary>Propagation: <c>shared:1</c>, <c>master:2</c>, ... or none.</summary>
    public required IReadOnlyList<string> Propagation { get; init; }

    public required string FileSystem { get; init; }

    public required string Source { get; init; }

    /// <summary>Options of the file system itself, such as the controllers of a version 1 cgroup.</summary>
    public string SuperOptions { get; init; } = "";

    public bool IsTmpfs => FileSystem == "tmpfs";

    /// <summary>What is mounted was deleted where it came from, or replaced by another of the same name; so the kernel writes it.</summary>
    public bool IsDeleted => FileSystemRoot.EndsWith("//deleted", StringComparison.Ordinal);

    /// <summary>Parses one line.</summary>
    /// <exception cref="FormatException">The line is no mount.</exception>
    public static ProcMountInfo ParseLine(string line)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int dash = Array.IndexOf(fields, "-", Math.Min(FieldsBeforeOptional, fields.Length));
        int colon = fields.Length > 2 ? fields[2].IndexOf(':', StringComparison.Ordinal) : -1;
        if (dash < 0 || fields.Length < dash + 3 || colon < 0)
        {
            throw new FormatException($"not a line of mountinfo: '{line}'");
        }

        return new ProcMountInfo
        {
            Id = int.Parse(fields[0], CultureInfo.InvariantCulture),
            ParentId = int.Parse(fields[1], CultureInfo.InvariantCulture),
            Device = new DeviceNumber(
                uint.Parse(fields[2].AsSpan(0, colon), CultureInfo.InvariantCulture),
                uint.Parse(fields[2].AsSpan(colon + 1), CultureInfo.InvariantCulture)),
            FileSystemRoot = ProcText.Unescape(fields[3]),
            MountPoint = ProcText.Unescape(fields[4]),
            Options = fields[5],
            Propagation = fields[FieldsBeforeOptional..dash],
            FileSystem = fields[dash + 1],
            Source = ProcText.Unescape(fields[dash + 2]),
            SuperOptions = fields.Length > dash + 3 ? fields[dash + 3] : "",
        };
    }

    /// <summary>The mounts that a process sees; none when it is gone.</summary>
    public static IReadOnlyList<ProcMountInfo> ReadAll(int pid)
    {
        return ProcText.Lines($"/proc/{pid}/mountinfo").Select(ParseLine).ToList();
    }
}
