using System.Globalization;

namespace Checkpointer.Engine.Criu;

/// <summary>The arguments of one <c>criu dump --stream</c>.</summary>
public sealed record CriuDumpOptions
{
    /// <summary>Log level: errors, warnings, debug. The log is small, and a failure cannot be asked again.</summary>
    public const int LogLevel = 4;

    /// <summary>Root of the tree, in the pid namespace that CRIU runs in.</summary>
    public required int RootPid { get; init; }

    /// <summary>Directory with the streamer's socket; a path of at most <see cref="CriuPaths.LongestImagesDirectory"/> bytes.</summary>
    public required string ImagesDirectory { get; init; }

    /// <summary>Directory for the log and the statistics.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>An empty directory, so that CRIU finds no plugins.</summary>
    public required string LibraryDirectory { get; init; }

    /// <summary>The hook: a bare path, CRIU runs it as one file without arguments.</summary>
    public string? ActionScript { get; init; }

    /// <summary>The tree runs on after the dump.</summary>
    public bool LeaveRunning { get; init; }

    /// <summary>A cgroup (v1 freezer or v2 directory) whose freezer CRIU uses to stop the tree.</summary>
    public string? FreezeCgroup { get; init; }

    /// <summary>How long CRIU may try to stop the tree; it limits nothing after that.</summary>
    public TimeSpan FreezeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public string LogFileName { get; init; } = "dump.log";

    public required TreeOptions Tree { get; init; }

    /// <summary>Where the log will be.</summary>
    public string LogPath => Path.Combine(WorkDirectory, LogFileName);

    /// <summary>Everything after <c>criu</c>.</summary>
    /// <exception cref="UsageException">The images directory's path is too long for a unix socket.</exception>
    public IReadOnlyList<string> ToArguments()
    {
        CriuPaths.CheckImagesDirectory(ImagesDirectory);
        List<string> arguments = ["dump", "--tree", Text(RootPid), .. CriuPaths.Common(ImagesDirectory, WorkDirectory, LibraryDirectory, LogFileName, LogLevel)];
        if (ActionScript is not null)
        {
            arguments.AddRange(["--action-script", ActionScript]);
        }

        if (LeaveRunning)
        {
            arguments.Add("--leave-running");
        }

        if (FreezeCgroup is not null)
        {
            arguments.AddRange(["--freeze-cgroup", FreezeCgroup]);
        }

        arguments.AddRange(["--timeout", Text((long)Math.Ceiling(FreezeTimeout.TotalSeconds))]);
        arguments.AddRange(Tree.DumpArguments());
        return arguments;
    }

    private static string Text(long number)
    {
        return number.ToString(CultureInfo.InvariantCulture);
    }
}
