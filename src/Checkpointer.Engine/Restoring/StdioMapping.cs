using System.Globalization;
using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// What becomes of pipes and terminals whose other end was outside the tree: what the person said, else a log for whatever the tree
/// writes to and an empty input for whatever it reads.
/// </summary>
internal static class StdioMapping
{
    /// <summary>The <c>--map KEY=SPEC</c> arguments of <c>checkpointer-init</c>.</summary>
    /// <exception cref="UsageException">A terminal is to become a file: CRIU restores a terminal's settings, which a file has not.</exception>
    public static List<string> Arguments(IReadOnlyList<StdioEnd> ends, RestoreRequest request)
    {
        List<string> arguments = [];
        foreach (var end in ends)
        {
            arguments.Add("--map");
            arguments.Add($"{end.Key}={Spec(end, request)}");
        }

        return arguments;
    }

    private static string Spec(StdioEnd end, RestoreRequest request)
    {
        // One terminal is input and outputs at once: the first stream that a person said something about decides.
        (int Fd, string? Wanted)[] streams = [(0, request.Stdin), (1, request.Stdout), (2, request.Stderr)];
        var (fd, wanted) = streams.FirstOrDefault(stream => stream.Wanted is not null && end.IsFd(stream.Fd));
        if (wanted == "inherit")
        {
            // Opened anew through /proc, so that nothing of ours is handed down and the tree outlives us.
            var kind = end.Direction == StdioDirection.Read ? "file-r" : "file-w";
            return string.Create(CultureInfo.InvariantCulture, $"{kind}:/proc/{Environment.ProcessId}/fd/{fd}");
        }

        if (wanted is not null && end.Kind == StdioKind.Tty)
        {
            throw new UsageException(
                "stdio-is-terminal",
                $"{end.Description} of this workload is a terminal and cannot become the file {wanted}.",
                "Leave the option out: the terminal's output goes to the log that the restore names.");
        }

        if (wanted is not null)
        {
            return (end.Direction == StdioDirection.Read ? "file-r:" : "file-w:") + Path.GetFullPath(wanted);
        }

        return end.Kind switch
        {
            StdioKind.Tty => "pty",
            _ when end.Direction == StdioDirection.Read => "null-r",
            _ => "log",
        };
    }
}
