using System.CommandLine;
using System.Globalization;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Frees the space that nothing needs.</summary>
internal sealed class PruneVerb : Verb
{
    private readonly Option<bool> _dryRun = OptionKinds.Flag("--dry-run", "Only show the plan. Writes nothing at all.");
    private readonly Option<TimeSpan?> _grace = OptionKinds.Age(
        "--grace", "Keep what was written less than this long ago, by the store's time (default 1d; 0 is safe too).", "--grace 2h");

    private readonly Option<bool> _repack = OptionKinds.Flag(
        "--repack", "Also rewrite packs of which most is dead. Reads every map.");

    private readonly Option<double?> _maxDead = OptionKinds.Percent(
        "--max-dead", 99, "With --repack: how much of a pack may be dead before it is rewritten (default 50).", "--max-dead 30");

    public PruneVerb()
        : base("prune", "Free the space of what no snapshot needs.")
    {
        Options.Add(_dryRun);
        Options.Add(_grace);
        Options.Add(_repack);
        Options.Add(_maxDead);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Deletes packs and maps that no snapshot and no running checkpoint names: what deleted snapshots and aborted checkpoints left. "
                + "Shows its plan, then executes it. May run beside checkpoints and restores, and may be stopped or killed at any time: "
                + "what is needed stays, and the next run does the rest. Only one runs at a time.",
            "Where a manifest or map cannot be read, nothing is deleted, because it is not known what it names. Delete the snapshots that "
                + "'check' calls harmed, then prune again.",
            "A pack is deleted when nothing in it is needed. With --repack, packs of which more than --max-dead is dead are copied "
                + "without the dead part; snapshots do not change by that.",
        ],
        Examples =
        [
            new("What would go:", "checkpointer prune --dry-run --repo /srv/checkpoints"),
            new("Once a week, with rewriting:", "checkpointer prune --repack --repo /srv/checkpoints"),
            new("All of it, now:", "checkpointer prune --grace 0 --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "done"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(
                ExitCode.Repository,
                "not opened, something unreadable (then nothing was deleted), packs missing or damaged, clocks apart, or other maintenance runs"),
            new(ExitCode.Environment, "no permission to write"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "dryRun, snapshots, writers, storeTime, before, packsInUse, bytesInUse, young, youngBytes, deletions (name, bytes, reason), "
            + "repacks (name, bytes, liveBytes), deleted, bytesFreed, repacked, bytesRewritten, findings",
    };

    /// <summary>Plans, shows, executes; for this verb and for <c>retain --prune</c>.</summary>
    public static Task<PruneReport> RunAsync(
        VerbContext context, CheckpointRepository repository, PruneOptions options, CancellationToken cancellationToken)
    {
        return context.Progress().ShowAsync(progress => repository.PruneAsync(
            options,
            plan =>
            {
                if (!context.Settings.Json)
                {
                    foreach (var line in PruneText.Plan(plan))
                    {
                        context.Print(line);
                    }
                }
            },
            new Forwarding(progress),
            cancellationToken));
    }

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var maxDead = context.Parse.GetValue(_maxDead);
        if (maxDead is not null && !context.Parse.GetValue(_repack))
        {
            throw new UsageException("usage", "--max-dead says which packs are rewritten, and rewriting was not asked for", "Give --repack with it.");
        }

        var options = new PruneOptions
        {
            DryRun = context.Parse.GetValue(_dryRun),
            Grace = context.Parse.GetValue(_grace) ?? PruneOptions.DefaultGrace,
            Repack = context.Parse.GetValue(_repack),
            MaxDeadPercent = Math.Max(1, (int)(maxDead ?? PruneOptions.DefaultMaxDeadPercent)),
            Time = context.Host.Time,
        };
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var report = await RunAsync(context, repository, options, cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                context.PrintJson(PruneOutput.Of(report), CliJson.Default.PruneOutput);
            }
            else
            {
                foreach (var line in PruneText.Result(report))
                {
                    context.Print(line);
                }
            }

            return (int)(report.Plan.Findings.Count + report.Findings.Count > 0 ? ExitCode.Repository : ExitCode.Done);
        }
    }

    /// <summary>A prune counts objects; the display shows phases.</summary>
    private sealed class Forwarding(IProgress<OperationProgress> target) : IProgress<PruneProgress>
    {
        private string _phase = "";

        public void Report(PruneProgress value)
        {
            if (Interlocked.Exchange(ref _phase, value.Phase) != value.Phase)
            {
                target.Report(new OperationProgress { Phase = string.Create(CultureInfo.InvariantCulture, $"prune: {value.Phase}") });
            }
        }
    }
}
