using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows which keys open a repository.</summary>
internal sealed class KeyListVerb() : Verb("list", "Show which keys open the repository.")
{
    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Shows the keys of the repository, oldest first. Labels and times are authenticated: where a key object was changed, or put "
                + "there by somebody who has no key, the list says so and shows no label. A key without a label and time was made by an "
                + "early version; only opening with it shows whether it works.",
        ],
        Examples = [new("As a table:", "checkpointer key list --repo /srv/checkpoints")],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            HelpParts.RepositoryTrouble,
            new(ExitCode.Environment, "no permission to write"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "keys (id, kind, label, created, inUse, trust, iterations)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var keys = await repository.ListKeysAsync(cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                context.PrintJson(new KeyListOutput { Keys = [.. keys.Select(KeyOutput.Of)] }, CliJson.Default.KeyListOutput);
                return (int)ExitCode.Done;
            }

            foreach (var line in Columns.Lines(["KEY", "KIND", "ADDED", "LABEL", "NOTE"], [.. keys.Select(Row)]))
            {
                context.Print(line);
            }
        }

        return (int)ExitCode.Done;
    }

    private static string[] Row(KeyInfo key)
    {
        var note = key.Trust switch
        {
            KeyTrust.Unsound => "UNSOUND: changed, or not made by a key holder",
            KeyTrust.Unlabelled => "made by an early version",
            _ => "",
        };
        return
        [
            key.Id,
            KeyOutput.Of(key).Kind,
            key.Created is { } created ? Texts.Time(created) : "-",
            key.Label ?? "-",
            string.Join("; ", new[] { key.InUse ? "in use" : "", note }.Where(text => text.Length > 0)),
        ];
    }
}
