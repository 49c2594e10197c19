using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Checkpointer.Engine.Preflight;

/// <summary>What kind of thing an outside end is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StdioKind>))]
public enum StdioKind
{
    Pipe,
    Fifo,
    Tty,
    UnixSocket,
}

/// <summary>How the tree uses an outside end.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StdioDirection>))]
public enum StdioDirection
{
    Read,
    Write,
    Both,
}

/// <summary>A descriptor of the tree.</summary>
public sealed record FdReference(int Pid, int Fd);

/// <summary>
/// A pipe, fifo, terminal or unix socket that the tree holds and whose other end is outside of it. It cannot be dumped with its
/// peer: at restore it is mapped to something else under its <see cref="Key"/>.
/// </summary>
public sealed partial record StdioEnd
{
    public required StdioKind Kind { get; init; }

    public required StdioDirection Direction { get; init; }

    /// <summary>CRIU's key for <c>--inherit-fd</c>: <c>pipe:[123]</c>, <c>tty[8803:2d]</c>, <c>file[1f:99]</c>, <c>socket:[5]</c>.</summary>
    public required string Key { get; init; }

    /// <summary>Every descriptor in the tree that is this end (bounded; lowest fds first; pids as the tree sees them).</summary>
    public required IReadOnlyList<FdReference> Descriptors { get; init; }

    /// <summary>What /proc shows: <c>pipe:[123]</c>, <c>/dev/pts/3</c>.</summary>
    public required string Description { get; init; }

    /// <summary>True when a process of the tree has this end as its fd <paramref name="fd"/>.</summary>
    public bool IsFd(int fd)
    {
        return Descriptors.Any(d => d.Fd == fd);
    }

    /// <summary>False when the key is nothing that an inspection writes: it then must not reach a command line.</summary>
    [JsonIgnore]
    public bool HasPlausibleKey => Kind switch
    {
        StdioKind.Pipe => PipeKey().IsMatch(Key),
        StdioKind.Tty => TtyKey().IsMatch(Key),
        StdioKind.UnixSocket => SocketKey().IsMatch(Key),
        StdioKind.Fifo => Key.Length is > 0 and <= 4096 && !Key.Any(char.IsControl) && !Key.StartsWith('/') && !Key.Split('/').Contains(".."),
        _ => false,
    };

    [GeneratedRegex(@"^pipe:\[[0-9]{1,20}\]\z")]
    private static partial Regex PipeKey();

    [GeneratedRegex(@"^tty\[[0-9a-f]{1,16}:[0-9a-f]{1,16}\]\z")]
    private static partial Regex TtyKey();

    [GeneratedRegex(@"^socket:\[[0-9]{1,20}\]\z")]
    private static partial Regex SocketKey();
}
