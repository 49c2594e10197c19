using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// A conversation with <c>checkpointer-init hold</c>, PID 1 of a placeholder. It keeps one end of a socket at a fixed descriptor, which we
/// duplicate: nothing of ours lies in the container's file system or network. The protocol is in <c>docs/native.md</c>. Blocking.
/// </summary>
internal sealed class HoldConnection : IDisposable
{
    /// <summary>The descriptor of the outer end in PID 1 (native-shim/init/door.h).</summary>
    private const int OuterDescriptor = 64;

    /// <summary>Its longest answer is a line with an error text. Bytes.</summary>
    private const int MaxMessage = 1024;

    /// <summary>It does nothing but answer; a machine that stands still gets this long.</summary>
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(20);

    private readonly MessageDoor _door;

    private HoldConnection(MessageDoor door)
    {
        _door = door;
    }

    /// <summary>What PID 1 says of itself by its name, without a conversation; <see cref="HoldState.None"/> for any other program.</summary>
    public static HoldState StateOf(int init) => ProcStat.Read(init)?.Name switch
    {
        "ckpt-waiting" => HoldState.Waiting,
        "ckpt-restoring" => HoldState.Restoring,
        "ckpt-running" => HoldState.Running,
        _ => HoldState.None,
    };

    /// <exception cref="OperationFailedException">Code <c>placeholder-gone</c>: it has ended, or is no placeholder.</exception>
    public static HoldConnection Open(ProcessIdentity init)
    {
        using var process = init.Open() ?? throw Gone(init.Pid, null);
        try
        {
            return new HoldConnection(new MessageDoor(process.DuplicateFd(OuterDescriptor)));
        }
        catch (PlatformException e)
        {
            throw Gone(init.Pid, e);
        }
    }

    public HoldStatus Status(CancellationToken cancellationToken)
    {
        var words = Ask("status", cancellationToken).Split(' ');
        return words switch
        {
            ["waiting", ..] => new HoldStatus(HoldState.Waiting, null, null),
            ["restoring", var operation] => new HoldStatus(HoldState.Restoring, null, operation),
            ["running", var pid] when int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var main)
                => new HoldStatus(HoldState.Running, main, null),
            ["ended", ..] => new HoldStatus(HoldState.Ended, null, null),
            _ => throw new OperationFailedException(
                "placeholder-answer", $"The placeholder answered '{string.Join(' ', words)}'.", "Use the checkpointer-init of this version in the container."),
        };
    }

    /// <summary>A restore begins: nothing else may, and it must be over within <paramref name="limit"/>.</summary>
    public void Reserve(string operation, TimeSpan limit, CancellationToken cancellationToken) =>
        Ask(string.Create(CultureInfo.InvariantCulture, $"restoring {operation} {Math.Ceiling(limit.TotalSeconds)}"), cancellationToken);

    public void Dispose() => _door.Dispose();

    private string Ask(string command, CancellationToken cancellationToken)
    {
        // Every question has a connection of its own for its answer: the number has nothing to tell apart.
        const string Number = "1 ";
        string? answer;
        try
        {
            answer = _door.Ask(Number + command, MaxMessage, AnswerDeadline, cancellationToken)?.TrimEnd('\n');
        }
        catch (Exception e) when (e is PlatformException or TimeoutException)
        {
            throw new OperationFailedException("placeholder-gone", $"The placeholder does not answer: {e.Message}", "Look whether the container still runs.", e);
        }

        if (answer is null || !answer.StartsWith(Number, StringComparison.Ordinal))
        {
            throw new OperationFailedException("placeholder-gone", "The placeholder has ended.", "Look at the container's log.");
        }

        var words = answer[Number.Length..].Split(' ', 2);
        return words[0] == "ok"
            ? words.ElementAtOrDefault(1) ?? ""
            : throw new OperationFailedException(
                "placeholder-refused", $"The placeholder refuses '{command}': {words.ElementAtOrDefault(1)}", "Look at the container's log.");
    }

    private static OperationFailedException Gone(int pid, Exception? inner) => new(
        "placeholder-gone",
        string.Create(CultureInfo.InvariantCulture, $"Process {pid} is no placeholder, or has ended."),
        "The container must run `checkpointer-init hold` as its first process.",
        inner);
}
