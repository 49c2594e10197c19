using System.Globalization;
using Checkpointer.Engine.Containers;
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

    /// <summary>
    /// The same for a tree that goes into a placeholder: its standard streams become the placeholder's, opened anew, and the network
    /// namespace that stayed outside becomes the placeholder's too.
    /// </summary>
    public static List<string> Arguments(IReadOnlyList<StdioEnd> ends, int placeholder)
    {
        List<string> arguments = ["--map", string.Create(CultureInfo.InvariantCulture, $"{ContainerProbe.ExternalNetwork}=file-r:/proc/{placeholder}/ns/net")];
        foreach (var end in ends)
        {
            arguments.Add("--map");
            arguments.Add($"{end.Key}={Spec(end, placeholder)}");
        }

        return arguments;
    }

    private static string Spec(StdioEnd end, int placeholder)
    {
        var standard = ((int[])[0, 1, 2]).Where(end.IsFd).ToList();
        if (end.Kind == StdioKind.Tty)
        {
            return string.Create(CultureInfo.InvariantCulture, $"file-rw:/proc/{placeholder}/fd/{standard.FirstOrDefault()}");
        }

        // A stray end of a pipe that only a launcher knew of: what is written there goes where the container's output goes.
        return (end.Direction, standard) switch
        {
            (StdioDirection.Read, [0, ..]) => string.Create(CultureInfo.InvariantCulture, $"file-r:/proc/{placeholder}/fd/0"),
            (StdioDirection.Read, _) => "null-r",
            (_, [2]) => string.Create(CultureInfo.InvariantCulture, $"file-w:/proc/{placeholder}/fd/2"),
            _ => string.Create(CultureInfo.InvariantCulture, $"file-w:/proc/{placeholder}/fd/1"),
        };
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
