namespace Checkpointer.Engine.Criu;

/// <summary>The arguments of one <c>criu restore --stream</c>, detached: CRIU exits once the tree runs.</summary>
public sealed record CriuRestoreOptions
{
    /// <summary>Directory with the streamer's socket; a path of at most <see cref="CriuPaths.LongestImagesDirectory"/> bytes.</summary>
    public required string ImagesDirectory { get; init; }

    /// <summary>Directory for the log and the statistics.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>An empty directory, so that CRIU finds no plugins.</summary>
    public required string LibraryDirectory { get; init; }

    /// <summary>Where CRIU writes the root's pid, as its own pid namespace knows it. Must not exist yet.</summary>
    public required string PidFile { get; init; }

    public string? ActionScript { get; init; }

    /// <summary>Connected TCP sockets come back closed (their address is not on this machine).</summary>
    public bool CloseTcp { get; init; }

    /// <summary>The image has sockets whose connections had ended before the dump.</summary>
    public bool EndedTcp { get; init; }

    /// <summary>New root of the tree's mount namespace, for trees that had one of their own.</summary>
    public string? Root { get; init; }

    /// <summary>Keys of <c>--external</c> at restore, such as <c>mnt[/data]:/srv/data</c>.</summary>
    public IReadOnlyList<string> External { get; init; } = [];

    /// <summary>Values of <c>--join-ns</c>, such as <c>ipc:/proc/1/ns/ipc</c>.</summary>
    public IReadOnlyList<string> JoinNamespaces { get; init; } = [];

    public string LogFileName { get; init; } = "restore.log";

    /// <summary>The options that the tree was dumped with.</summary>
    public required TreeOptions Tree { get; init; }

    /// <summary>Where the log will be.</summary>
    public string LogPath => Path.Combine(WorkDirectory, LogFileName);

    /// <summary>Everything after <c>criu</c>.</summary>
    /// <exception cref="UsageException">The images directory's path is too long for a unix socket.</exception>
    public IReadOnlyList<string> ToArguments()
    {
        CriuPaths.CheckImagesDirectory(ImagesDirectory);
        List<string> arguments =
        [
            "restore",
            .. CriuPaths.Common(ImagesDirectory, WorkDirectory, LibraryDirectory, LogFileName, CriuDumpOptions.LogLevel),
            "--restore-detached",
            "--pidfile",
            PidFile,
        ];
        if (ActionScript is not null)
        {
            arguments.AddRange(["--action-script", ActionScript]);
        }

        if (Root is not null)
        {
            arguments.AddRange(["--root", Root]);
        }

        foreach (string key in External)
        {
            arguments.AddRange(["--external", key]);
        }

        foreach (string place in JoinNamespaces)
        {
            arguments.AddRange(["--join-ns", place]);
        }

        arguments.AddRange(Tree.RestoreArguments(CloseTcp, EndedTcp));
        return arguments;
    }
}
