using Checkpointer.Cli.Running;
using Checkpointer.Repository;

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
                // A signature that was typed stays here: the service has its own.
                settings.Repository is null ? "" : RepositoryUrl.WithoutSecret(settings.RequireAbsoluteRepository()),
                settings.Key.Chosen ? settings.Key.RequireFile() : "")
            : new RepositoryChoice(settings.RequireAbsoluteRepository(), settings.Key.RequireFile());
    }
}
