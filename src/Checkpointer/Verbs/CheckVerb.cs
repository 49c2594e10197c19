using System.CommandLine;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Checks a repository.</summary>
internal sealed class CheckVerb : Verb
{
    private const string Phase = "check";

    private readonly Option<bool> _data = OptionKinds.Flag("--data", "Also read, decrypt and authenticate every stored byte.");

    public CheckVerb()
        : base("check", "Check the repository for damage.") => Options.Add(_data);

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Checks that every snapshot can be restored: its manifest and map are authenticated, and every pack that they name must be "
                + "there with its right length. "
                + "With --data every stored byte is read and authenticated as well; that takes as long as restoring everything.",
            "Damage is told as findings that name the object. Objects that no snapshot names are notes, not damage. Nothing is changed.",
        ],
        Examples =
        [
            new("Quick, fit for every day:", "checkpointer check --repo /srv/checkpoints"),
            new("Everything, fit for every month:", "checkpointer check --data --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "no damage"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "damage was found, or the repository cannot be opened"),
            new(ExitCode.Environment, "no permission to read"),
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "damaged, snapshots, packs, bytesChecked, findings (code, severity, subject, found, needed, remedy)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var report = await context.Progress()
                .ShowAsync(progress =>
                {
                    progress.Report(new OperationProgress { Phase = Phase });
                    return repository.CheckAsync(
                        context.Parse.GetValue(_data), new Forwarding(progress, context.Host.Time), cancellationToken);
                })
                .ConfigureAwait(false);
            Tell(context, report);
            return (int)(report.Damaged ? ExitCode.Repository : ExitCode.Done);
        }
    }

    private static void Tell(VerbContext context, CheckReport report)
    {
        if (context.Settings.Json)
        {
            var output = new CheckOutput
            {
                Damaged = report.Damaged,
                Snapshots = report.Snapshots,
                Packs = report.Packs,
                BytesChecked = report.BytesChecked,
                Findings = report.Findings,
            };
            context.PrintJson(output, CliJson.Default.CheckOutput);
            return;
        }

        foreach (var line in FindingText.Lines(report.Findings))
        {
            context.Print(line);
        }

        var read = report.BytesChecked > 0 ? $", {ByteSize.Format(report.BytesChecked)} read" : "";
        context.Print($"{(report.Damaged ? "DAMAGED" : "sound")}: {report.Snapshots} snapshots, {report.Packs} packs{read}");
    }

    /// <summary>A check counts snapshots and bytes; the display wants bytes and their speed.</summary>
    private sealed class Forwarding(IProgress<OperationProgress> target, TimeProvider time) : IProgress<CheckProgress>
    {
        private readonly long _start = time.GetTimestamp();

        public void Report(CheckProgress value)
        {
            var seconds = time.GetElapsedTime(_start).TotalSeconds;
            target.Report(new OperationProgress
            {
                Phase = Phase,
                BytesDone = value.BytesChecked,
                BytesPerSecond = seconds > 0 ? value.BytesChecked / seconds : 0,
            });
        }
    }
}
