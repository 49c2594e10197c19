using Checkpointer.Cli.Running;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>
/// The repository and key of a request. To the service only what a person named is said: it has its own configuration. A repository that
/// is configured there opens with the key that is configured for it; a variable, which is there for all repositories, does not speak against
/// that, but <c>--key-file</c> does.
/// </summary>
internal readonly record struct RepositoryChoice(string Repository, string KeyFile)
{
    public static async Task<RepositoryChoice> ForAsync(Settings settings, IRunner runner, CancellationToken cancellationToken)
    {
        if (!runner.HasRepositories)
        {
            return new RepositoryChoice(settings.RequireAbsoluteRepository(), settings.Key.RequireFile());
        }

        // A signature that was typed stays here: the service has its own.
        var repository = settings.Repository is null ? "" : RepositoryUrl.WithoutSecret(settings.RequireAbsoluteRepository());
        var says = settings.Key.Chosen && !(settings.Key.FromVariable && await runner.HasKeysAsync(cancellationToken).ConfigureAwait(false));
        return new RepositoryChoice(repository, says ? settings.Key.RequireFile() : "");
    }
}
