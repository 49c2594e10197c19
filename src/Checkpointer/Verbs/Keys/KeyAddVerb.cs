using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Lets another key open a repository.</summary>
internal sealed class KeyAddVerb : Verb
{
    private readonly NewKeyOptions _new = new();

    public KeyAddVerb()
        : base("add", "Let another key file or passphrase open the repository.") => _new.AddTo(this);

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Wraps the master key once more, under a key file or a passphrase, and proves from the store that it opens. "
                + "A passphrase has at least 12 characters; each opening with it takes about half a second of one core, "
                + "so that guessing is slow. It is read from a file or asked for, and never stands on a command line.",
            "Adding a key that opens the repository already changes nothing.",
        ],
        Examples =
        [
            new("A second key file, for another group of nodes:", "checkpointer key add --new-key-file ./pool-b.key --label 'pool b'"),
            new("A passphrase, asked for twice:", "checkpointer key add --new-passphrase-file - --label safe"),
        ],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "repository trouble, or another key of that id is there; nothing was changed"),
            new(ExitCode.Environment, "no permission to write"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "added (id, kind, label, created, inUse, trust, iterations), isNew, keyFile, keyCreated",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        _new.Check(context.Parse);
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var key = _new.Load(context.Parse, context.Host, out var created);
            var (info, isNew) = await repository
                .AddKeyAsync(key, _new.Label(context.Parse), context.Host.Time, cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                var output = new KeyChangeOutput
                {
                    Added = KeyOutput.Of(info),
                    IsNew = isNew,
                    KeyFile = (key as KeyFile)?.Path,
                    KeyCreated = key is KeyFile ? created : null,
                };
                context.PrintJson(output, CliJson.Default.KeyChangeOutput);
            }
            else
            {
                context.Print(isNew ? $"added {KeyOutput.Text(info)}" : $"{KeyOutput.Text(info)} opens it already; nothing was changed");
                KeyFileNote.Print(context, key, created);
            }
        }

        return (int)ExitCode.Done;
    }
}
