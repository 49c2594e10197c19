namespace Checkpointer.Cli;

/// <summary>What the global options and the environment say together; an option wins over its variable.</summary>
internal sealed record Settings
{
    public const string DefaultKeyFile = "/etc/checkpointer/repository.key";
    public const string DefaultSocket = "/run/checkpointer/checkpointer.sock";
    public const string DefaultStateDirectory = "/var/lib/checkpointer";
    public const string DefaultRunDirectory = "/run/checkpointer";

    /// <summary>As it was written; null when nobody named one.</summary>
    public string? Repository { get; init; }

    /// <summary>What opens the repository.</summary>
    public KeyChoice Key { get; init; } = KeyChoice.Default;

    public string Socket { get; init; } = DefaultSocket;

    /// <summary>Whether somebody named the socket: then a service that does not answer is an error, not a reason to do without.</summary>
    public bool SocketChosen { get; init; }

    public bool Embedded { get; init; }

    public bool Json { get; init; }

    public bool Quiet { get; init; }

    /// <summary>Stack traces and debug logs (CHECKPOINTER_DEBUG=1).</summary>
    public bool Debug { get; init; }

    public string StateDirectory { get; init; } = DefaultStateDirectory;

    public string RunDirectory { get; init; } = DefaultRunDirectory;

    public string? CriuPath { get; init; }

    public string? CudaLibrary { get; init; }

    public string? NvmlLibrary { get; init; }

    /// <summary>The container runtime's socket, as the variable names it; for a verb that concerns containers as <see cref="RuntimeChoice"/> found it.</summary>
    public string? RuntimeEndpoint { get; init; }

    /// <summary>It was named with this command, not by a configuration file: what is wrong with it is wrong usage.</summary>
    public bool RuntimeEndpointGiven { get; init; }

    /// <summary>The repository, or the error that says how to name one.</summary>
    public string RequireRepository() => Repository ?? throw new UsageException(
        "repository-missing",
        "no repository is named",
        $"Give it with --repo, for example --repo /srv/checkpoints, or set {EnvironmentNames.Repository}.");

    /// <summary>The repository with a relative path made absolute: the service has another working directory.</summary>
    public string RequireAbsoluteRepository() => Absolute(RequireRepository());

    private static string Absolute(string repository)
    {
        const string Directory = "file:";
        if (repository.StartsWith(Directory, StringComparison.Ordinal) && !repository.StartsWith("file:/", StringComparison.Ordinal))
        {
            return Directory + Path.GetFullPath(repository[Directory.Length..]);
        }

        // A scheme ("https:", "file:") or a bare word that is no directory (a name in the service's configuration) stays as it is.
        var colon = repository.IndexOf(':', StringComparison.Ordinal);
        var slash = repository.IndexOf('/', StringComparison.Ordinal);
        var hasScheme = colon > 0 && (slash < 0 || colon < slash);
        var isName = slash < 0 && repository is not ("." or "..") && !System.IO.Directory.Exists(repository);
        return hasScheme || isName ? repository : Path.GetFullPath(repository);
    }
}
