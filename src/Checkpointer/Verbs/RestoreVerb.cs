using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Cli.Running;
using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Verbs;

/// <summary>Makes a snapshot run again.</summary>
internal sealed class RestoreVerb : Verb
{
    private const string Inherit = "inherit";

    private readonly Argument<string> _snapshot;
    private readonly Option<string> _latest = OptionKinds.Text(
        "--latest", "NAME", "The newest snapshot of the workload with this name or lineage.", "--latest training");
    private readonly Option<string> _into = OptionKinds.Text(
        "--into", "CONTAINER|POD", "The placeholder that a container's snapshot is restored into; for a pod's snapshot the pod whose containers wait.",
        "--into default/web-1/server");
    private readonly Option<string> _runtime = RuntimeChoice.NewOption();
    private readonly Option<bool> _create = OptionKinds.Flag(
        "--create", "Make the placeholder from the snapshot's own record: a sandbox and a container of the same image.");
    private readonly Option<string> _stdin = OptionKinds.Text(
        "--stdin", "FILE|inherit", "What an outside standard input becomes (default: nothing to read).", "--stdin /dev/null");
    private readonly Option<string> _stdout = OptionKinds.Text(
        "--stdout", "FILE|inherit", "Where an outside standard output goes (default: the log).", "--stdout /var/log/training.out");
    private readonly Option<string> _stderr = OptionKinds.Text(
        "--stderr", "FILE|inherit", "Where an outside standard error goes (default: the log).", "--stderr /var/log/training.err");
    private readonly Option<string> _cgroup = OptionKinds.Text(
        "--cgroup", "PATH", "The cgroup that the workload joins (default: one of its own).", "--cgroup /jobs/training");
    private readonly Option<string[]> _gpu = OptionKinds.Texts(
        "--gpu", "OLD=NEW", "The GPU NEW of this node stands for the snapshot's GPU OLD (default: proposed). Repeatable.",
        "--gpu GPU-01234567-89ab-cdef-0123-456789abcdef=GPU-11234567-89ab-cdef-0123-456789abcdef");
    private readonly Option<long?> _memory = OptionKinds.Size("--memory", "Memory for buffers (default 512 MiB).", "--memory 512M");
    private readonly Option<TimeSpan?> _timeout = OptionKinds.Duration(
        "--timeout", "Give up and remove the half-restored workload after this time (default: none).", "--timeout 10m");
    private readonly Option<bool> _wait = OptionKinds.Flag(
        "--wait", "Stay attached: hand SIGINT and SIGTERM on, and end with the workload's exit code.");
    private readonly Option<bool> _force = OptionKinds.Flag("--force", "Go on in spite of overridable findings. Blockers refuse always.");
    private readonly Option<bool> _dryRun = OptionKinds.Flag(
        "--dry-run", "Only say whether it would be possible, also in the place of --into and with --gpu. Nothing is made.");

    public RestoreVerb(SnapshotCompletion completion)
        : base("restore", "Make a snapshot run again on this node.")
    {
        _snapshot = SnapshotArgument.Create(
            completion, required: false, "A snapshot's id, or a unique prefix of one. Either this or --latest.");
        _latest.CompletionSources.Add(completion.Names);
        Arguments.Add(_snapshot);
        Options.Add(_latest);
        Options.Add(_into);
        Options.Add(_create);
        Options.Add(_runtime);
        Options.Add(_stdin);
        Options.Add(_stdout);
        Options.Add(_stderr);
        Options.Add(_cgroup);
        Options.Add(_gpu);
        Options.Add(_memory);
        Options.Add(_timeout);
        Options.Add(_wait);
        Options.Add(_force);
        Options.Add(_dryRun);
    }

    public override WorkloadRole Role => WorkloadRole.Restores;

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Restores the process tree of a snapshot: it goes on where it stood, as if nothing had happened. Every byte is "
                + "authenticated before it is used. "
                + "The snapshot stays as it is and can be restored again, here or on another node with the same key file.",
            "This node is compared with what the snapshot needs first; what does not fit is told as findings, and nothing is touched "
                + "(exit code 3).",
            "The tree belongs to a small process of its own (checkpointer-init), not to this command nor to the service: both may end. "
                + "What the tree writes to a terminal or pipe that no longer exists is kept in a log, whose path is shown.",
            "A container's snapshot goes into a new container, whose first process waits for it (checkpointer-init hold): name it with "
                + "--into, or have one made with --create. It gets that container's network, streams, cgroup and volumes; its exit code is the container's.",
            "A pod's snapshot goes into a new pod, whose containers of the same names wait: name the pod with --into, or have it made with --create. "
                + "All of its containers go on, or none does.",
            "With --wait the command stays until the tree's first process ends, and ends with its exit code (128 plus the signal's "
                + "number after a signal). "
                + "That code can be any number: look at standard error to tell it from the exit codes below.",
            "Needs root. The work is done by the node service where its socket is, and in this process otherwise.",
        ],
        Examples =
        [
            new("The newest snapshot of a workload, by its name:", "checkpointer restore --latest training --repo /srv/checkpoints"),
            new("One snapshot, by the beginning of its id:", "checkpointer restore 3f9c"),
            new("A container, into a placeholder:", "checkpointer restore --latest web --into default/web-1/server"),
            new("A pod, into one whose containers wait:", "checkpointer restore --latest web --into default/web-1"),
            new("Attached to this terminal, until it ends:", "checkpointer restore --latest training --embedded --stdout inherit --wait"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "the workload runs; with --wait: it ended with 0"),
            new(ExitCode.Failed, "failed; nothing of the workload runs, the snapshot is untouched"),
            HelpParts.Usage,
            new(ExitCode.Refused, "refused by findings; nothing was touched"),
            HelpParts.RepositoryTrouble,
            new(ExitCode.Environment, "not root, no CRIU, or CRIU or the kernel lack what is needed"),
            new(ExitCode.Attention, "ATTENTION: whether a restored workload runs is unknown"),
            new(ExitCode.Cancelled, "cancelled (Ctrl-C, SIGTERM) before the workload ran"),
        ],
        Globals = HelpParts.AllGlobals,
        Environment = HelpParts.AllVariables,
        Json = "snapshot, pid (in your pid namespace), log, bytesFetched, fetchRequests, timings (phase to ms), findings, operation, members (of a pod: name, container, pid, log); "
            + "on an error: error with code, message, remedy, workloadRunning, snapshotDurable, logFile",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var parse = context.Parse;
        var (snapshot, latest) = (parse.GetValue(_snapshot), parse.GetValue(_latest));
        if ((snapshot is null) == (latest is null))
        {
            throw new UsageException(
                "snapshot-missing",
                snapshot is null ? "no snapshot is named" : "both a snapshot and --latest are named",
                "Give either an id ('checkpointer list' shows them) or --latest NAME.");
        }

        if (parse.GetValue(_wait) && (parse.GetValue(_into) is not null || parse.GetValue(_create)))
        {
            throw new UsageException("wait-into", "--wait cannot be used with --into or --create: the exit code is the container's", "Ask the container's runtime for it.");
        }

        context.RequireRoot("restore");
        var runner = await context.OpenRunnerAsync(needsRepository: true, _runtime, cancellationToken).ConfigureAwait(false);
        await using (runner.ConfigureAwait(false))
        {
            var access = await RepositoryChoice.ForAsync(context.Settings, runner, cancellationToken).ConfigureAwait(false);
            if (parse.GetValue(_dryRun))
            {
                var place = new PreflightRequest { Snapshot = snapshot, Latest = latest, Into = parse.GetValue(_into), Create = parse.GetValue(_create), Gpus = [.. parse.GetValue(_gpu) ?? []] };
                return await PreflightVerb.SnapshotAsync(context, runner, place, parse.GetValue(_force), cancellationToken).ConfigureAwait(false);
            }

            var request = new RestoreRequest
            {
                Snapshot = snapshot,
                Latest = latest,
                Repository = access.Repository,
                KeyFile = access.KeyFile,
                MemoryBytes = parse.GetValue(_memory) ?? CheckpointRequest.DefaultMemoryBytes,
                Into = parse.GetValue(_into),
                Create = parse.GetValue(_create),
                Stdin = Stream(runner, _stdin, parse.GetValue(_stdin)),
                Stdout = Stream(runner, _stdout, parse.GetValue(_stdout)),
                Stderr = Stream(runner, _stderr, parse.GetValue(_stderr)),
                Cgroup = parse.GetValue(_cgroup),
                Gpus = [.. parse.GetValue(_gpu) ?? []],
                Force = parse.GetValue(_force),
                TimeoutSeconds = parse.GetValue(_timeout)?.TotalSeconds,
            };
            var result = await context.Progress()
                .ShowAsync(progress => runner.RestoreAsync(request, progress, cancellationToken))
                .ConfigureAwait(false);
            if (parse.GetValue(_wait))
            {
                return await Attachment.WaitAsync(context, runner, result, () => Tell(context, result), cancellationToken).ConfigureAwait(false);
            }

            Tell(context, result);
            return (int)ExitCode.Done;
        }
    }

    private static string? Stream(IRunner runner, Option<string> option, string? value)
    {
        if (value is null or Inherit)
        {
            return value is null || runner.CanInherit ? value : throw new UsageException(
                "inherit-needs-embedded",
                $"{option.Name} inherit: the service cannot hand your streams to the workload",
                $"Use --embedded, or name a file, for example {option.Name} /tmp/output.");
        }

        return Path.GetFullPath(value);
    }

    private static void Tell(VerbContext context, RestoreResult result)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(result, EngineJson.Default.RestoreResult);
            return;
        }

        if (context.Settings.Quiet)
        {
            context.Print(result.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return;
        }

        List<(string Label, string Value)> facts =
        [
            ("snapshot", result.Snapshot),
            ("pid", result.Pid > 0 ? result.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture) : "not visible from here"),
            ("log", result.Log),
            ("operation", result.Operation),
            ("took", Texts.Milliseconds(result.Timings.GetValueOrDefault("total"))),
            ("read", $"{ByteSize.Format(result.BytesFetched)} from the store, in {result.FetchRequests} {(result.FetchRequests == 1 ? "request" : "requests")}"),
        ];
        if (result.Members is { } members)
        {
            facts.InsertRange(1, members.Select(static m => ("container", $"{m.Name} ({m.Container}), pid {m.Pid}")));
        }
        else if (result.Container is { } container)
        {
            facts.Insert(1, ("container", container));
        }

        foreach (var line in Columns.Pairs(facts))
        {
            context.Print(line);
        }

        foreach (var line in FindingText.AfterSuccess(result.Findings))
        {
            context.Print(line);
        }
    }
}
