using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Copies snapshots into another repository.</summary>
internal sealed class CopyVerb : Verb
{
    private const string Phase = "copy";

    private readonly Argument<string[]> _snapshots;
    private readonly Option<bool> _all = OptionKinds.Flag("--all", "Every snapshot.");
    private readonly Option<string> _name;
    private readonly Option<string> _to = OptionKinds.Text("--to", "R", "The repository to copy into.", "--to /mnt/usb/checkpoints");
    private readonly Option<string> _toKeyFile = OptionKinds.Text(
        "--to-key-file", "FILE", "The key file that opens it (default: the key of --repo).", "--to-key-file ./new.key");

    private readonly Option<string> _toPassphraseFile = OptionKinds.Text(
        "--to-passphrase-file", "FILE", "Or a file with the passphrase that opens it; - asks.", "--to-passphrase-file ./passphrase");

    private readonly Option<bool> _verify = OptionKinds.Flag("--verify", "Read every byte back from the target.");
    private readonly Option<bool> _dryRun = OptionKinds.Flag("--dry-run", "Only say what would be copied.");

    public CopyVerb(SnapshotCompletion completion)
        : base("copy", "Copy snapshots into another repository.")
    {
        _snapshots = new Argument<string[]>("SNAPSHOT")
        {
            HelpName = "SNAPSHOT",
            Description = "Snapshots by id or unique prefix.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        _snapshots.CompletionSources.Add(completion.Ids);
        _name = OptionKinds.Text("--name", "S", "Every snapshot of that name.", "--name training");
        _name.CompletionSources.Add(completion.Names);
        Arguments.Add(_snapshots);
        Options.Add(_all);
        Options.Add(_name);
        Options.Add(_to);
        Options.Add(_toKeyFile);
        Options.Add(_toPassphraseFile);
        Options.Add(_verify);
        Options.Add(_dryRun);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Copies snapshots into another repository, the oldest of each workload first. Everything is decrypted and sealed anew under "
                + "the target's own key; ids, names, labels, times and marks stay the same. Chunks that the target's earlier snapshot "
                + "of the workload has are not stored again. Memory does not grow with the snapshots.",
            "What is there already is left alone, so an interrupted copy is finished by running it again. A snapshot that is damaged, or "
                + "that stands in the target under the same id with other content, is told and does not stop the others.",
            "This is the way out when a master key may have leaked: make a new repository with a new key, copy, delete the old one.",
        ],
        Examples =
        [
            new("Everything, and read it back:", "checkpointer copy --all --verify --repo /srv/checkpoints --to /mnt/usb/checkpoints"),
            new(
                "One workload, into a repository with a key of its own:",
                "checkpointer copy --name training --repo /srv/checkpoints --to /srv/new --to-key-file ./new.key"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "everything that was asked for is in the target"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "one of the repositories cannot be opened, or snapshots could not be copied"),
            new(ExitCode.Environment, "no permission to read or write"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "target, dryRun, copied, alreadyThere, failed, bytesStored, "
            + "snapshots (snapshot, outcome, bytesCaptured, bytesStored, verified, code, message)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var parse = context.Parse;
        var place = parse.GetValue(_to) ?? throw new UsageException(
            "usage", "the repository to copy into is not named", "Give it with --to, for example --to /mnt/usb/checkpoints.");
        var chosen = (parse.GetValue(_snapshots) is { Length: > 0 } ? 1 : 0)
            + (parse.GetValue(_all) ? 1 : 0)
            + (parse.GetValue(_name) is null ? 0 : 1);
        if (chosen != 1)
        {
            throw new UsageException("usage", "exactly one of SNAPSHOT..., --name and --all is needed", "See 'checkpointer copy --help'.");
        }

        var key = KeyChoice.Read(parse.GetValue(_toKeyFile), parse.GetValue(_toPassphraseFile), null, null, null);
        var source = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            var target = await CheckpointRepository
                .OpenAsync(context.OpenBackend(place), () => (key.Chosen ? key : context.Settings.Key).Load(context.Host), cancellationToken)
                .ConfigureAwait(false);
            await using (target.ConfigureAwait(false))
            {
                return await CopyAsync(context, source, target, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static void Tell(VerbContext context, CopyOutput output)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(output, CliJson.Default.CopyOutput);
            return;
        }

        foreach (var snapshot in output.Snapshots)
        {
            var what = snapshot.Outcome switch
            {
                "copied" => $", {ByteSize.Format(snapshot.BytesCaptured)} as {ByteSize.Format(snapshot.BytesStored)}",
                "planned" => $", {ByteSize.Format(snapshot.BytesCaptured)}",
                "failed" => $": {snapshot.Message} ({snapshot.Code})",
                _ => "",
            };
            context.Print(ErrorText.OneLine($"{snapshot.Snapshot}  {snapshot.Outcome}{(snapshot.Verified ? ", verified" : "")}{what}"));
        }

        var verb = output.DryRun ? "to be copied" : "copied";
        context.Print(
            $"{output.Copied} {verb}, {output.AlreadyThere} there already, {output.Failed} failed; "
                + $"{ByteSize.Format(output.BytesStored)} added to {output.Target}");
    }

    private async Task<int> CopyAsync(
        VerbContext context, CheckpointRepository source, CheckpointRepository target, CancellationToken cancellationToken)
    {
        var ids = await ChooseAsync(context, source, cancellationToken).ConfigureAwait(false);
        var options = new CopyOptions
        {
            Verify = context.Parse.GetValue(_verify),
            DryRun = context.Parse.GetValue(_dryRun),
            Time = context.Host.Time,
        };
        var results = await context.Progress()
            .ShowAsync(progress =>
            {
                progress.Report(new OperationProgress { Phase = Phase });
                return new RepositoryCopy(source, target, options)
                    .RunAsync(ids, new Forwarding(progress, context.Host.Time), cancellationToken);
            })
            .ConfigureAwait(false);
        var output = CopyOutput.Of(target.Description, options.DryRun, results);
        Tell(context, output);
        return (int)(output.Failed > 0 ? ExitCode.Repository : ExitCode.Done);
    }

    private async Task<IReadOnlyCollection<SnapshotId>> ChooseAsync(
        VerbContext context, CheckpointRepository source, CancellationToken cancellationToken)
    {
        if (context.Parse.GetValue(_snapshots) is { Length: > 0 } texts)
        {
            var ids = new List<SnapshotId>();
            foreach (var text in texts)
            {
                ids.Add(await source.ResolveAsync(text, cancellationToken).ConfigureAwait(false));
            }

            return ids;
        }

        var all = await source.ListAsync(cancellationToken).ConfigureAwait(false);
        if (context.Parse.GetValue(_name) is not { } name)
        {
            return [.. all.Select(snapshot => snapshot.Id)];
        }

        var named = all.Where(snapshot => snapshot.Damage is null && snapshot.Content.Name == name).Select(snapshot => snapshot.Id).ToList();
        return named.Count > 0 ? named : throw new RepositoryException(
            RepositoryCodes.SnapshotNotFound, $"no snapshot in {source.Description} is named '{name}'", "run 'checkpointer list' to see the snapshots");
    }

    /// <summary>A copy counts snapshots and bytes; the display wants bytes and their speed.</summary>
    private sealed class Forwarding(IProgress<OperationProgress> target, TimeProvider time) : IProgress<CopyProgress>
    {
        private readonly long _start = time.GetTimestamp();

        public void Report(CopyProgress value)
        {
            var seconds = time.GetElapsedTime(_start).TotalSeconds;
            target.Report(new OperationProgress
            {
                Phase = Phase,
                BytesDone = value.BytesDone,
                BytesTotal = value.BytesTotal,
                BytesStored = value.BytesStored,
                BytesPerSecond = seconds > 0 ? value.BytesDone / seconds : 0,
            });
        }
    }
}
