namespace Checkpointer.Engine.Criu;

/// <summary>One run of CRIU: everything that its child process gets.</summary>
public sealed record CriuRun
{
    public required CriuInstallation Criu { get; init; }

    /// <summary>From <see cref="CriuDumpOptions.ToArguments"/> or <see cref="CriuRestoreOptions.ToArguments"/>.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Current directory of the child.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>Where CRIU will write its log (from the options).</summary>
    public required string LogPath { get; init; }

    /// <summary>Added to a fixed, minimal environment (for the hook).</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>A command that runs CRIU in another place, such as <c>checkpointer-init enter --pid 7 --</c>; empty for none.</summary>
    public IReadOnlyList<string> PrefixCommand { get; init; } = [];

    /// <summary>Gets the pid of the started process (the prefix command's, where there is one).</summary>
    public Action<int>? OnStarted { get; init; }
}
