using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Lists the snapshots of a repository.</summary>
internal sealed class ListVerb() : Verb("list", "List the snapshots in the repository.")
{
    private static readonly string[] Header = ["SNAPSHOT", "NAME", "CREATED", "NODE", "CAPTURED", "STORED", "STATE"];

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Lists every snapshot, oldest first. An id is the workload's lineage and the generation in it: the highest generation is "
                + "the newest. "
                + "STATE is 'final' when the workload ended with the snapshot, 'running' when it ran on, 'superseded' when another copy "
                + "went on after it, "
                + "and 'damaged' when the snapshot cannot be read ('checkpointer check' tells more).",
            "Reads the repository in this process; needs no root where repository and key file are readable.",
        ],
        Examples =
        [
            new("All snapshots:", "checkpointer list --repo /srv/checkpoints"),
            new(
                "The ids of everything named 'training':",
                "checkpointer list --json | jq -r '.snapshots[] | select(.name == \"training\") | .snapshot'"),
        ],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            HelpParts.RepositoryTrouble,
            new(ExitCode.Environment, "no permission to read"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "snapshots, each with snapshot, lineage, generation, name, created, node, bytesCaptured, bytesStored, "
            + "intent, superseded, labels, damage",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var all = await repository.ListAsync(cancellationToken).ConfigureAwait(false);
            var snapshots = all
                .OrderBy(s => s.Content.Created)
                .ThenBy(s => s.Id.Lineage.ToString(), StringComparer.Ordinal)
                .ThenBy(s => s.Id.Generation)
                .ToList();
            if (context.Settings.Json)
            {
                context.PrintJson(new ListOutput { Snapshots = [.. snapshots.Select(SnapshotOutput.Of)] }, CliJson.Default.ListOutput);
            }
            else if (snapshots.Count == 0)
            {
                context.Explain($"no snapshots in {repository.Description}");
            }
            else
            {
                foreach (var line in Columns.Lines(Header, [.. snapshots.Select(Row)]))
                {
                    context.Print(line);
                }
            }
        }

        return (int)ExitCode.Done;
    }

    private static string[] Row(SnapshotInfo info)
    {
        var isSound = info.Damage is null;
        return
        [
            info.Id.ToString(),
            info.Content.Name ?? "-",
            isSound ? Texts.Time(info.Content.Created) : "-",
            isSound ? info.Content.Node : "-",
            isSound ? ByteSize.Format(info.BytesCaptured) : "-",
            isSound ? ByteSize.Format(info.BytesStored) : "-",
            State(info),
        ];
    }

    private static string State(SnapshotInfo info) => info switch
    {
        { Damage: not null } => "damaged",
        { Superseded: true } => "superseded",
        _ => info.Content.Intent,
    };
}
