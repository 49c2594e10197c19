using System.CommandLine;
using System.Globalization;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Checks a repository.</summary>
internal sealed class CheckVerb : Verb
{
    private const string Phase = "check";

    /// <summary>Snapshots that are named in a line of text; the rest are counted.</summary>
    private const int NamedSnapshots = 3;

    private readonly Option<bool> _references = OptionKinds.Flag(
        "--references", "Also read every entry of every map, and the ends of every pack.");

    private readonly Option<bool> _data = OptionKinds.Flag(
        "--data", "Also read, decrypt and authenticate every stored byte that a snapshot needs.");

    private readonly Option<double?> _sample = OptionKinds.Percent(
        "--data-sample", 100, "As --data, for so much of the packs only.", "--data-sample 5");

    private readonly Option<int?> _seed = OptionKinds.Count(
        "--seed", "Which packs a sample takes (default: another choice each day).", "--seed 1");

    public CheckVerb()
        : base("check", "Check the repository for damage.")
    {
        Options.Add(_references);
        Options.Add(_data);
        Options.Add(_sample);
        Options.Add(_seed);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Checks that every snapshot can be restored: its manifest and the index of its map are authenticated, and every pack that "
                + "they name must be there with its right length. With --references every entry of every map and the ends of every "
                + "pack are read too. With --data every stored byte that a snapshot needs is read, decrypted and authenticated as well, "
                + "each once, however many snapshots share it; --data-sample reads a part that its seed decides.",
            "Damage is told as findings that name the object, the snapshots that it harms, and the remedy. Objects that no snapshot "
                + "names are notes, not damage. Nothing is changed.",
        ],
        Examples =
        [
            new("Quick, fit for every day:", "checkpointer check --repo /srv/checkpoints"),
            new("A twentieth of the data, another one each day:", "checkpointer check --data-sample 5 --repo /srv/checkpoints"),
            new("Everything, fit for every month:", "checkpointer check --data --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "no damage"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "damage was found, or the repository cannot be opened"),
            new(ExitCode.Environment, "no permission to read"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "damaged, depth, samplePercent, seed, snapshots, packs, bytesChecked, "
            + "findings (code, severity, subject, found, needed, remedy, snapshots)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var options = Choose(context);
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var report = await context.Progress()
                .ShowAsync(progress =>
                {
                    progress.Report(new OperationProgress { Phase = Phase });
                    return repository.CheckAsync(options, new CheckForwarding(Phase, progress, context.Host.Time), cancellationToken);
                })
                .ConfigureAwait(false);
            Tell(context, report, options);
            return (int)(report.Damaged ? ExitCode.Repository : ExitCode.Done);
        }
    }

    private static void Tell(VerbContext context, CheckReport report, CheckOptions options)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(CheckOutput.Of(report, options), CliJson.Default.CheckOutput);
            return;
        }

        foreach (var finding in report.Details.OrderByDescending(d => d.Finding.Severity))
        {
            foreach (var line in FindingText.Lines([finding.Finding]))
            {
                context.Print(line);
            }

            if (finding.Snapshots.Count > 0)
            {
                context.Print(ErrorText.OneLine($"    harms: {Names(finding.Snapshots)}"));
            }
        }

        var read = report.BytesChecked > 0 ? $", {ByteSize.Format(report.BytesChecked)} read" : "";
        var sample = options.SamplePercent < 100
            ? string.Create(CultureInfo.InvariantCulture, $" (a sample of {options.SamplePercent:0.###} %, seed {options.Seed})")
            : "";
        context.Print($"{(report.Damaged ? "DAMAGED" : "sound")}: {Texts.Count(report.Snapshots, "snapshot")}, {Texts.Count(report.Packs, "pack")}{read}{sample}");
    }

    private static string Names(IReadOnlyList<SnapshotId> snapshots)
    {
        var more = snapshots.Count > NamedSnapshots
            ? string.Create(CultureInfo.InvariantCulture, $" and {snapshots.Count - NamedSnapshots} more")
            : "";
        return string.Join(", ", snapshots.Take(NamedSnapshots)) + more;
    }

    private CheckOptions Choose(VerbContext context)
    {
        var sample = context.Parse.GetValue(_sample);
        var seed = context.Parse.GetValue(_seed);
        if (sample is not null && context.Parse.GetValue(_data))
        {
            throw new UsageException("usage", "--data reads everything and --data-sample a part", "Give one of the two.");
        }

        if (seed is not null && sample is null)
        {
            throw new UsageException("usage", "--seed chooses a sample, and none was asked for", "Give --data-sample with it.");
        }

        // Another part each day, the same one all day: so a daily run goes through the whole repository in time, and can be repeated.
        var today = context.Host.Time.GetUtcNow().ToUnixTimeSeconds() / (24 * 60 * 60);
        return new CheckOptions
        {
            Depth = context.Parse.GetValue(_data) || sample is not null ? CheckDepth.Data
                : context.Parse.GetValue(_references) ? CheckDepth.References
                : CheckDepth.Structure,
            SamplePercent = sample ?? 100,
            Seed = seed ?? today,
        };
    }
}
