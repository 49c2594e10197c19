using System.CommandLine;
using System.Globalization;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Deletes old snapshots by rules.</summary>
internal sealed class RetainVerb : Verb
{
    private readonly Option<int?> _last = OptionKinds.Count("--keep-last", "Keep the newest N of each workload.", "--keep-last 5");
    private readonly Option<int?> _hourly = OptionKinds.Count(
        "--keep-hourly", "Keep the newest of each of the last N hours that have one.", "--keep-hourly 24");

    private readonly Option<int?> _daily = OptionKinds.Count(
        "--keep-daily", "Keep the newest of each of the last N days that have one.", "--keep-daily 7");

    private readonly Option<TimeSpan?> _within = OptionKinds.Age(
        "--keep-within", "Keep what is at most this much older than the newest.", "--keep-within 2d");

    private readonly Option<string> _lineage = OptionKinds.Text(
        "--lineage", "ID", "Only the workload of that lineage (32 hex digits).", "--lineage 3f9c1d0e5b7a48f2a6c49d8e7b6a5f40");

    private readonly Option<string> _name;
    private readonly Option<bool> _dryRun = OptionKinds.Flag("--dry-run", "Only show what would be deleted.");
    private readonly Option<bool> _prune = OptionKinds.Flag("--prune", "Then free the space, as 'checkpointer prune' does.");

    public RetainVerb(SnapshotCompletion completion)
        : base("retain", "Delete old snapshots by rules.")
    {
        _name = OptionKinds.Text("--name", "S", "Only workloads whose newest snapshot has that name.", "--name training");
        _name.CompletionSources.Add(completion.Names);
        Options.Add(_last);
        Options.Add(_hourly);
        Options.Add(_daily);
        Options.Add(_within);
        Options.Add(_lineage);
        Options.Add(_name);
        Options.Add(_dryRun);
        Options.Add(_prune);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Judges the snapshots of each workload (lineage) by themselves: what any rule keeps stays, the others are deleted. Hours and days "
                + "are those of UTC. At least one rule must be given. There is no question and no way back; --dry-run shows it first.",
            "Whatever the rules say, these stay: the newest snapshot of a workload; the newest that was not superseded, since that is what "
                + "'restore --latest' takes without --force; and those that cannot be read ('delete' removes them).",
            "The space is freed by the next 'checkpointer prune', or at once with --prune.",
        ],
        Examples =
        [
            new("See first:", "checkpointer retain --keep-last 3 --keep-daily 7 --dry-run --repo /srv/checkpoints"),
            new("One workload, and free the space:", "checkpointer retain --keep-within 2d --name training --prune --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "done"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "the repository cannot be opened, or other maintenance runs"),
            new(ExitCode.Environment, "no permission to write"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "dryRun, kept, removed, snapshots (snapshot, name, created, kept, reasons), prune (as 'prune --json'; null without --prune)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var parse = context.Parse;
        var dryRun = parse.GetValue(_dryRun);
        var policy = new RetainPolicy
        {
            KeepLast = parse.GetValue(_last) ?? 0,
            KeepHourly = parse.GetValue(_hourly) ?? 0,
            KeepDaily = parse.GetValue(_daily) ?? 0,
            KeepWithin = parse.GetValue(_within),
        };
        var selects = Selection(parse.GetValue(_lineage), parse.GetValue(_name));
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var report = await repository
                .RetainAsync(policy, selects, dryRun, decisions => Tell(context, decisions), cancellationToken).ConfigureAwait(false);
            PruneReport? prune = null;
            if (parse.GetValue(_prune))
            {
                var options = new PruneOptions { DryRun = dryRun, Time = context.Host.Time };
                prune = await PruneVerb.RunAsync(context, repository, options, cancellationToken).ConfigureAwait(false);
            }

            TellEnd(context, report, dryRun, prune);
            return (int)(prune?.Plan.Findings.Count > 0 ? ExitCode.Repository : ExitCode.Done);
        }
    }

    private static void Tell(VerbContext context, IReadOnlyList<RetainDecision> decisions)
    {
        if (context.Settings.Json || decisions.Count == 0)
        {
            return;
        }

        var rows = decisions.Select(d => (IReadOnlyList<string>)
        [
            d.Keep ? "keep" : "remove",
            d.Snapshot.Id.ToString(),
            d.Snapshot.Content.Name ?? "-",
            d.Snapshot.Damage is null ? d.Snapshot.Content.Created.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "-",
            d.Keep ? string.Join(", ", d.Reasons) : "no rule",
        ]);
        foreach (var line in Columns.Lines(["", "SNAPSHOT", "NAME", "CREATED", "BECAUSE"], [.. rows]))
        {
            context.Print(line);
        }
    }

    private static void TellEnd(VerbContext context, RetainReport report, bool dryRun, PruneReport? prune)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(RetainOutput.Of(report, dryRun, prune), CliJson.Default.RetainOutput);
            return;
        }

        if (prune is not null)
        {
            foreach (var line in PruneText.Result(prune))
            {
                context.Print(line);
            }
        }

        var kept = report.Decisions.Count(d => d.Keep);
        context.Print(dryRun
            ? string.Create(CultureInfo.InvariantCulture, $"dry run: {kept} would stay, {report.Decisions.Count - kept} would be deleted")
            : string.Create(CultureInfo.InvariantCulture, $"{kept} kept, {report.Removed} deleted"));
        if (!dryRun && report.Removed > 0 && prune is null)
        {
            context.Explain("run 'checkpointer prune' to free their space");
        }
    }

    private static Func<IReadOnlyList<SnapshotInfo>, bool>? Selection(string? lineage, string? name)
    {
        if (lineage is not null && name is not null)
        {
            throw new UsageException("usage", "--lineage and --name both choose the workload", "Give one of the two.");
        }

        if (lineage is not null)
        {
            return LineageId.TryParse(lineage, out var id)
                ? snapshots => snapshots[0].Id.Lineage == id
                : throw new UsageException("usage", $"'{lineage}' is not a lineage", "Give the 32 hex digits before the dash of a snapshot's id.");
        }

        return name is null ? null : snapshots => snapshots.LastOrDefault(s => s.Damage is null)?.Content.Name == name;
    }
}
