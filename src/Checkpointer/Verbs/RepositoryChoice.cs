using Checkpointer.Cli.Running;

namespace Checkpointer.Cli.Verbs;

/// <summary>
/// The repository and key of a request. To the service only what a person named is said: it has its own configuration.
/// </summary>
internal readonly record struct RepositoryChoice(string Repository, string KeyFile)
{
    public static RepositoryChoice For(Settings settings, IRunner runner)
    {
        return runner.HasRepositories
            ? new RepositoryChoice(
                settings.Repository is null ? "" : settings.RequireAbsoluteRepository(),
                settings.Key.Chosen ? settings.Key.RequireFile() : "")
            : new RepositoryChoice(settings.RequireAbsoluteRepository(), settings.Key.RequireFile());
    }
}
