using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>One open descriptor of a process.</summary>
public sealed record ProcFd
{
    private const string DeletedSuffix = " (deleted)";

    public required int Fd { get; init; }

    /// <summary>What the link shows: a path, <c>pipe:[123]</c>, <c>socket:[5]</c>, <c>anon_inode:[eventpoll]</c>.</summary>
    public required string Target { get; init; }

    public required FileStatus Status { get; init; }

    public required ProcFdInfo Info { get; init; }

    /// <summary>True when the file was removed under the name that it was opened by.</summary>
    public bool IsUnlinkedName => Target.StartsWith('/') && Target.EndsWith(DeletedSuffix, StringComparison.Ordinal);

    /// <summary>The path without <c> (deleted)</c>, or null when it is no file with a name.</summary>
    public string? Path => !Target.StartsWith('/') ? null : IsUnlinkedName ? Target[..^DeletedSuffix.Length] : Target;

    /// <summary>Inode number of <c>pipe:[N]</c> or <c>socket:[N]</c>, or null.</summary>
    public ulong? InodeOf(string kind)
    {
        return Target.StartsWith(kind, StringComparison.Ordinal)
            && Target.Length > kind.Length + 3
            && Target.AsSpan(kind.Length).StartsWith(":[")
            && ulong.TryParse(Target.AsSpan((kind.Length + 2)..^1), CultureInfo.InvariantCulture, out ulong inode) ? inode : null;
    }

    /// <summary>The open descriptors of a process, lowest first. One that closes meanwhile is left out.</summary>
    public static IReadOnlyList<ProcFd> ReadAll(int pid)
    {
        List<ProcFd> descriptors = [];
        foreach (string name in ProcText.Names($"/proc/{pid}/fd"))
        {
            if (int.TryParse(name, CultureInfo.InvariantCulture, out int fd) && Read(pid, fd) is { } descriptor)
            {
                descriptors.Add(descriptor);
            }
        }

        descriptors.Sort((a, b) => a.Fd.CompareTo(b.Fd));
        return descriptors;
    }

    /// <summary>Only what the links of the open descriptors of a process show, in no order.</summary>
    public static IEnumerable<string> ReadTargets(int pid)
    {
        foreach (string name in ProcText.Names($"/proc/{pid}/fd"))
        {
            if (ProcLink.Read($"/proc/{pid}/fd/{name}") is { } target)
            {
                yield return target;
            }
        }
    }

    private static ProcFd? Read(int pid, int fd)
    {
        string link = $"/proc/{pid}/fd/{fd}";
        string? target = ProcLink.Read(link);
        FileStatus? status = FileStatus.Of(link);
        string? info = ProcText.TryRead($"/proc/{pid}/fdinfo/{fd}");
        return target is null || status is null || info is null
            ? null
            : new ProcFd { Fd = fd, Target = target, Status = status, Info = ProcFdInfo.Parse(info) };
    }
}

/// <summary><c>/proc/PID/fdinfo/N</c>.</summary>
public sealed record ProcFdInfo
{
    private const int AccessMask = 3; // O_ACCMODE
    private const int PathFlag = 0x200000; // O_PATH
    private const int AppendFlag = 0x400;  // O_APPEND

    public long Position { get; init; }

    /// <summary>Open flags.</summary>
    public int Flags { get; init; }

    public int MountId { get; init; }

    /// <summary>Locks that are held through this descriptor, as the kernel prints them.</summary>
    public IReadOnlyList<string> Locks { get; init; } = [];

    public bool CanRead => !IsPathOnly && (Flags & AccessMask) is 0 or 2;

    public bool CanWrite => !IsPathOnly && (Flags & AccessMask) is 1 or 2;

    /// <summary>Opened with O_PATH: a name only.</summary>
    public bool IsPathOnly => (Flags & PathFlag) != 0;

    /// <summary>Opened for appending and nothing else, as a log is.</summary>
    public bool IsAppendOnly => (Flags & AccessMask) == 1 && (Flags & AppendFlag) != 0;

    /// <summary>For pidfds: the pid that it points to, in the reader's namespace; -1 when that process is gone. Else null.</summary>
    public int? PidFdTarget { get; init; }

    /// <summary>For the master of a pty: N of its <c>/dev/pts/N</c>. Else null.</summary>
    public int? TerminalIndex { get; init; }

    /// <summary>An eventfd whose reads take one of its count (EFD_SEMAPHORE). The kernel tells since 6.6.</summary>
    public bool IsSemaphore { get; init; }

    /// <summary>Of a descriptor of this process.</summary>
    public static ProcFdInfo OfOwn(SafeFileHandle descriptor) =>
        Parse(ProcText.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{descriptor.DangerousGetHandle()}")) ?? "");

    /// <summary>Parses the whole text.</summary>
    public static ProcFdInfo Parse(string text)
    {
        int? pid = null;
        int? terminal = null;
        long position = 0;
        int flags = 0;
        int mount = 0;
        bool semaphore = false;
        List<string> locks = [];
        foreach (string line in ProcText.Split(text))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string value = colon < 0 ? "" : line[(colon + 1)..].Trim();
            switch (colon < 0 ? "" : line[..colon])
            {
                case "pos":
                    position = long.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "flags":
                    flags = Convert.ToInt32(value, 8);
                    break;
                case "mnt_id":
                    mount = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "Pid":
                    pid = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "tty-index":
                    terminal = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "eventfd-semaphore":
                    semaphore = value == "1";
                    break;
                case "lock":
                    locks.Add(value);
                    break;
                default:
                    break;
            }
        }

        return new ProcFdInfo { Position = position, Flags = flags, MountId = mount, Locks = locks, PidFdTarget = pid, TerminalIndex = terminal, IsSemaphore = semaphore };
    }
}
