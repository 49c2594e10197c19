using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows one snapshot.</summary>
internal sealed class ShowVerb : Verb
{
    private readonly Argument<string> _snapshot;

    public ShowVerb(SnapshotCompletion completion)
        : base("show", "Show one snapshot: where it comes from, its size, its files.")
    {
        _snapshot = SnapshotArgument.Create(completion, required: true);
        Arguments.Add(_snapshot);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Shows what a snapshot's manifest says, after it has been authenticated: name, labels, node, time, sizes, parent, and the "
                + "files that it holds. "
                + "With --json also everything that was recorded about the workload for its restore.",
            "Reads the repository in this process; needs no root where repository and key file are readable.",
        ],
        Examples =
        [
            new("By the beginning of its id:", "checkpointer show 3f9c --repo /srv/checkpoints"),
            new("What a node needs to restore it:", "checkpointer show 3f9c --json | jq .workload"),
        ],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "no such snapshot, several match, wrong key, damaged, or of a newer format"),
            new(ExitCode.Environment, "no permission to read"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "what list tells about one snapshot, and parent, parentDigest, digest, files (name, kind, length), workload",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var id = await repository.ResolveAsync(context.Parse.GetRequiredValue(_snapshot), cancellationToken).ConfigureAwait(false);
            var reader = await repository.OpenSnapshotAsync(id, cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                if (context.Settings.Json)
                {
                    context.PrintJson(ShowOutput.Of(reader.Info, reader.Files), CliJson.Default.ShowOutput);
                }
                else
                {
                    Tell(context, reader.Info, reader.Files);
                }
            }
        }

        return (int)ExitCode.Done;
    }

    private static void Tell(VerbContext context, SnapshotInfo info, IReadOnlyList<SnapshotFile> files)
    {
        var labels = string.Join(
            ", ", info.Content.Labels.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"));
        foreach (var line in Columns.Pairs(
            ("snapshot", info.Id.ToString()),
            ("name", info.Content.Name ?? "-"),
            ("labels", labels.Length > 0 ? labels : "-"),
            ("created", Texts.Time(info.Content.Created)),
            ("node", info.Content.Node),
            ("intent", info.Content.Intent + (info.Superseded ? " (superseded: another copy went on after it)" : "")),
            ("parent", info.Parent?.ToString() ?? "-"),
            ("captured", ByteSize.Format(info.BytesCaptured)),
            ("stored", $"{ByteSize.Format(info.BytesStored)} (ratio {Texts.Ratio(info.BytesCaptured, info.BytesStored)})"),
            ("digest", info.Digest)))
        {
            context.Print(line);
        }

        if (files.Count == 0)
        {
            return;
        }

        context.Print("");
        var rows = files.OrderByDescending(f => f.Length).Select(f => (IReadOnlyList<string>)[f.Name, ByteSize.Format(f.Length)]).ToList();
        foreach (var line in Columns.Lines(["FILE", "LENGTH"], rows))
        {
            context.Print(line);
        }
    }
}
