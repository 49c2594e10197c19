using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Puts a new key in the place of the one that opens a repository.</summary>
internal sealed class KeyRotateVerb : Verb
{
    private readonly NewKeyOptions _new = new();

    public KeyRotateVerb()
        : base("rotate", "Put a new key in the place of the one that is used now.") => _new.AddTo(this);

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Wraps the master key under a new key file or passphrase, proves from the store that it opens, and only then removes the key "
                + "that the repository was opened with. Interrupted at any point, at least one of the two works; run it again to finish. "
                + "The label is taken over unless --label gives another. The old key file is not touched.",
            "Nodes that use the old key stop being able to open the repository. To change over without a gap: 'key add' the new key, "
                + "give it to the nodes, then 'key remove' the old one.",
            "The master key stays the same; if it may have leaked, copy the snapshots into a new repository.",
        ],
        Examples =
        [
            new("A new key file:", "checkpointer key rotate --new-key-file ./new.key --repo /srv/checkpoints"),
            new(
                "From a key file to a passphrase:",
                "checkpointer key rotate --new-passphrase-file /run/secrets/passphrase --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "repository trouble; a key that works is there in any case"),
            new(ExitCode.Environment, "no permission to write"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "added, removed (each id, kind, label, created, inUse, trust, iterations), keyFile, keyCreated",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        _new.Check(context.Parse);
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var key = _new.Load(context.Parse, context.Host, out var created);
            var (added, removed) = await repository
                .RotateKeyAsync(key, _new.Label(context.Parse), context.Host.Time, cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                var output = new KeyChangeOutput
                {
                    Added = KeyOutput.Of(added),
                    IsNew = true,
                    Removed = KeyOutput.Of(removed),
                    KeyFile = (key as KeyFile)?.Path,
                    KeyCreated = key is KeyFile ? created : null,
                };
                context.PrintJson(output, CliJson.Default.KeyChangeOutput);
            }
            else
            {
                context.Print($"added {KeyOutput.Text(added)}");
                context.Print($"removed {KeyOutput.Text(removed)}");
                KeyFileNote.Print(context, key, created);
            }
        }

        return (int)ExitCode.Done;
    }
}
