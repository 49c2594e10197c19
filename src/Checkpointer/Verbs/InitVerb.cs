using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Makes a repository, and the key file where there is none.</summary>
internal sealed class InitVerb() : Verb("init", "Make a repository, and its key file where there is none.")
{
    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Makes an empty repository at the place that --repo names. Everything in a repository is encrypted; the key file opens it. "
                + "Where the key file exists it is used and never changed; where it does not, it is made, readable by its owner only.",
            "Whoever has the key file can read every snapshot, memory and secrets included. Whoever loses it loses every snapshot: "
                + "nothing else opens the repository. Keep a copy in a safe place, not beside the repository. "
                + "Every node that shall restore needs the same file.",
            "A passphrase can take the place of the key file; 'checkpointer key' adds, changes and removes keys later.",
        ],
        Examples =
        [
            new("A repository in a directory, with the key in its usual place:", "checkpointer init --repo /srv/checkpoints"),
            new(
                "On a second node: copy the key file first, then use the repository; init is not needed again.",
                "scp node-a:/etc/checkpointer/repository.key /etc/checkpointer/"),
            new(
                "With a passphrase in place of a key file:",
                "checkpointer init --repo /srv/checkpoints --passphrase-file /root/passphrase"),
            new("Without root, with a key of your own:", "checkpointer init --repo ~/checkpoints --key-file ~/repository.key"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "the repository is there"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "there is a repository already, or the place or the key file cannot be used"),
            new(ExitCode.Environment, "no permission to write there"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "repository, id, keyFile, keyId, keyCreated",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var settings = context.Settings;
        var place = settings.RequireAbsoluteRepository();
        var backend = context.OpenBackend(place);
        var keyPath = settings.Key.File is null or { IsPassphrase: true } ? null : settings.Key.RequireKeyFile();
        var keyCreated = keyPath is not null && !File.Exists(keyPath);
        var key = keyPath is null ? settings.Key.Load(context.Host) : KeyFile.LoadOrCreate(keyPath);
        try
        {
            var repository = await CheckpointRepository
                .InitAsync(backend, key, cancellationToken, context.Host.Time).ConfigureAwait(false);
            await using (repository.ConfigureAwait(false))
            {
                Tell(context, new InitOutput
                {
                    Repository = repository.Description,
                    Id = repository.Id,
                    KeyFile = keyPath ?? "",
                    KeyId = repository.KeyId,
                    KeyCreated = keyCreated,
                });
            }
        }
        catch (RepositoryException e) when (keyCreated && e.Code == RepositoryCodes.RepositoryExists)
        {
            // This key opens nothing: it was made a moment ago for a repository that belongs to another key. Nothing shall be changed.
            File.Delete(keyPath!);
            throw;
        }

        return (int)ExitCode.Done;
    }

    private static void Tell(VerbContext context, InitOutput output)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(output, CliJson.Default.InitOutput);
        }
        else
        {
            foreach (var line in Columns.Pairs(
                ("repository", output.Repository),
                ("id", output.Id),
                output.KeyFile.Length == 0
                    ? ("key", "a passphrase")
                    : ("key file", output.KeyFile + (output.KeyCreated ? " (new)" : " (was there)"))))
            {
                context.Print(line);
            }
        }

        if (output.KeyCreated)
        {
            context.Explain("");
            context.Explain($"Keep a copy of {output.KeyFile} in a safe place, not beside the repository:");
            context.Explain("without it nobody can read any snapshot, and there is no way to make it again.");
            context.Explain("Whoever has it can read everything in the snapshots. Other nodes need the same file.");
        }
    }
}
