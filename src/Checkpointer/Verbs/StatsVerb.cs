using System.Globalization;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows what a repository holds and what that takes.</summary>
internal sealed class StatsVerb() : Verb("stats", "Show what snapshots add, share and take.")
{
    private const string Phase = "stats";

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Counts, for each snapshot in the order of its workload's generations, what it captured, how much of that is zero pages (not "
                + "stored at all), and what it added to the snapshots before it: bytes of new chunks, and what these and its map take.",
            "Then the whole: bytes captured and stored, how often a stored chunk is used on average (dedupe), what compression saves, "
                + "and what 'prune' and 'prune --repack' could free. Reads every map; nothing is changed.",
        ],
        Examples = [new("The whole repository:", "checkpointer stats --repo /srv/checkpoints")],
        ExitCodes =
        [
            HelpParts.Done,
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "the repository cannot be opened, or snapshots are damaged (they are left out)"),
            new(ExitCode.Environment, "no permission to read"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "bytesCaptured, bytesStored, packs, unreferencedBytes, unfinished, unfinishedBytes, deadBytes, dedupeRatio, compressionRatio, damaged, "
            + "snapshots (snapshot, name, bytesCaptured, zeroBytes, chunkBytes, newChunkBytes, newStoredBytes)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var stats = await context.Progress()
                .ShowAsync(progress =>
                {
                    progress.Report(new OperationProgress { Phase = Phase });
                    return repository.StatsAsync(new CheckForwarding(Phase, progress, context.Host.Time), cancellationToken);
                })
                .ConfigureAwait(false);
            if (context.Settings.Json)
            {
                context.PrintJson(StatsOutput.Of(stats), CliJson.Default.StatsOutput);
            }
            else
            {
                Tell(context, stats);
            }

            return (int)(stats.Damaged > 0 ? ExitCode.Repository : ExitCode.Done);
        }
    }

    private static void Tell(VerbContext context, RepositoryStats stats)
    {
        if (stats.Snapshots.Count > 0)
        {
            var rows = stats.Snapshots.Select(s => (IReadOnlyList<string>)
            [
                s.Snapshot.Id.ToString(),
                s.Snapshot.Content.Name ?? "-",
                ByteSize.Format(s.Snapshot.BytesCaptured),
                ByteSize.Format(s.ZeroBytes),
                ByteSize.Format(s.NewChunkBytes),
                ByteSize.Format(s.NewStoredBytes),
            ]);
            foreach (var line in Columns.Lines(["SNAPSHOT", "NAME", "CAPTURED", "ZERO", "NEW", "STORED"], [.. rows]))
            {
                context.Print(line);
            }
        }

        foreach (var line in Columns.Pairs(
            ("captured", ByteSize.Format(stats.BytesCaptured)),
            ("stored", string.Create(CultureInfo.InvariantCulture, $"{ByteSize.Format(stats.BytesStored)} in {stats.Packs} packs and their maps")),
            ("dedupe", string.Create(CultureInfo.InvariantCulture, $"{stats.DedupeRatio:0.00} : 1")),
            ("compression", string.Create(CultureInfo.InvariantCulture, $"{stats.CompressionRatio:0.00} : 1")),
            ("unreferenced", $"{ByteSize.Format(stats.UnreferencedBytes)} ('prune' frees it)"),
            ("unfinished", $"{ByteSize.Format(stats.UnfinishedBytes)} in {Texts.Count(stats.Unfinished, "upload")} (running, or killed: 'prune' frees those)"),
            ("dead in packs", $"{ByteSize.Format(stats.DeadBytes)} ('prune --repack' frees most of it)")))
        {
            context.Print(line);
        }

        if (stats.Damaged > 0)
        {
            context.Print(string.Create(CultureInfo.InvariantCulture, $"{stats.Damaged} damaged snapshots are left out ('check' says what is wrong)"));
        }
    }
}
