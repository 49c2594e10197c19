using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;

namespace Checkpointer.Cli.Verbs;

/// <summary>Deletes one snapshot.</summary>
internal sealed class DeleteVerb : Verb
{
    private readonly Argument<string> _snapshot;

    public DeleteVerb(SnapshotCompletion completion)
        : base("delete", "Delete one snapshot. It does not ask again.")
    {
        _snapshot = SnapshotArgument.Create(completion, required: true);
        Arguments.Add(_snapshot);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Deletes a snapshot: from then on it does not exist. Later snapshots of the same workload stay whole, also where they "
                + "share data with it. "
                + "There is no question and no way back.",
            "The space that its data takes is freed by the next 'checkpointer prune', as far as no other snapshot shares it.",
        ],
        Examples = [new("By its id:", "checkpointer delete 3f9c1d0e5b7a48f2a6c49d8e7b6a5f40-3 --repo /srv/checkpoints")],
        ExitCodes =
        [
            new(ExitCode.Done, "deleted"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "no such snapshot, several match, wrong key, damaged, or of a newer format"),
            new(ExitCode.Environment, "no permission to write"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "snapshot, deleted",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var id = await repository.ResolveAsync(context.Parse.GetRequiredValue(_snapshot), cancellationToken).ConfigureAwait(false);
            await repository.DeleteAsync(id, cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                context.PrintJson(new DeleteOutput { Snapshot = id.ToString(), Deleted = true }, CliJson.Default.DeleteOutput);
            }
            else
            {
                context.Print($"deleted {id}");
            }
        }

        return (int)ExitCode.Done;
    }
}
