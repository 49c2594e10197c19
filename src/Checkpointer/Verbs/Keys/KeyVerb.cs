using Checkpointer.Cli.Help;

namespace Checkpointer.Cli.Verbs;

/// <summary>The keys of a repository.</summary>
internal sealed class KeyVerb : Verb
{
    public KeyVerb()
        : base("key", "Add, list, remove and rotate the keys of a repository.")
    {
        Subcommands.Add(new KeyAddVerb());
        Subcommands.Add(new KeyListVerb());
        Subcommands.Add(new KeyRemoveVerb());
        Subcommands.Add(new KeyRotateVerb());
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Everything in a repository is sealed by one master key, which is nowhere stored in clear. Each key of the repository, a key "
                + "file or a passphrase, wraps that master key once more; any one of them opens everything.",
            "Removing a key stops those who have only that key and the store as it is now. Whoever kept a copy of the store, or the "
                + "master key itself, is not stopped: then copy the snapshots into a new repository ('checkpointer copy') and "
                + "delete the old one.",
        ],
        Examples =
        [
            new("Who can open it:", "checkpointer key list --repo /srv/checkpoints"),
            new("A passphrase for the safe:", "checkpointer key add --new-passphrase-file - --label safe --repo /srv/checkpoints"),
            new("A new key file in place of the old one:", "checkpointer key rotate --new-key-file ./new.key --repo /srv/checkpoints"),
        ],
        ExitCodes = [new(ExitCode.Usage, "no verb behind 'key'")],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
    };

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        throw new UsageException("usage", "'checkpointer key' needs a verb: add, list, remove or rotate", "See 'checkpointer key --help'.");
    }
}
