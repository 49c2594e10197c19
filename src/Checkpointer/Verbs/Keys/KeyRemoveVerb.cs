using System.CommandLine;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;

namespace Checkpointer.Cli.Verbs;

/// <summary>Takes a key away from a repository.</summary>
internal sealed class KeyRemoveVerb : Verb
{
    private readonly Argument<string> _key = new("KEY")
    {
        HelpName = "KEY",
        Description = "A key's id, a unique prefix of it, or its label.",
        Arity = ArgumentArity.ExactlyOne,
    };

    private readonly Option<bool> _force = OptionKinds.Flag("--force", "Also the key that opens the repository just now.");

    public KeyRemoveVerb()
        : base("remove", "Take a key away from the repository.")
    {
        Arguments.Add(_key);
        Options.Add(_force);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Removes a key. The last one that is known to open the repository is never removed, and the one that the repository is "
                + "opened with only with --force. The key file itself is not touched.",
            "This does not revoke what somebody has read already: see 'checkpointer key --help'.",
        ],
        Examples =
        [
            new("By its label:", "checkpointer key remove 'pool b' --repo /srv/checkpoints"),
            new("By its id:", "checkpointer key remove 3f9c1d0e --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "repository trouble, no such key, in use, or the last one; nothing was changed"),
            new(ExitCode.Environment, "no permission to write"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "removed (id, kind, label, created, inUse, trust, iterations)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var key = await repository
                .RemoveKeyAsync(context.Parse.GetRequiredValue(_key), context.Parse.GetValue(_force), cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                context.PrintJson(new KeyChangeOutput { Removed = KeyOutput.Of(key) }, CliJson.Default.KeyChangeOutput);
            }
            else
            {
                context.Print($"removed {KeyOutput.Text(key)}");
            }
        }

        return (int)ExitCode.Done;
    }
}
