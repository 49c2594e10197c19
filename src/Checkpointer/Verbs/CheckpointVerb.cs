using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Verbs;

/// <summary>Snapshots a running process tree.</summary>
internal sealed class CheckpointVerb : Verb
{
    private readonly Option<int?> _pid = OptionKinds.Pid("The root of the process tree to snapshot.");
    private readonly Option<string> _container = OptionKinds.Text(
        "--container",
        "NAME",
        "The container to snapshot: its id or a unique prefix, its name, POD/NAME or NAMESPACE/POD/NAME.",
        "--container default/web-0/server");
    private readonly Option<string> _pod = OptionKinds.Text(
        "--pod",
        "NAME",
        "The pod whose containers are snapshotted together, as one: POD or NAMESPACE/POD, or the id of its sandbox.",
        "--pod default/web-0");
    private readonly Option<string> _runtime = RuntimeChoice.NewOption();
    private readonly Option<bool> _leaveRunning = OptionKinds.Flag(
        "--leave-running",
        "Let the workload run on after the snapshot. Without it the workload is ended, but only when its snapshot is durable.");
    private readonly Option<string> _name = OptionKinds.Text(
        "--name", "S", "A name for the workload; 'restore --latest S' finds its newest snapshot.", "--name training");
    private readonly Option<Dictionary<string, string>> _labels = OptionKinds.Pairs(
        "--label", "A label, stored with the snapshot. May be given several times.", "--label team=vision");
    private readonly Option<long?> _memory = OptionKinds.Size(
        "--memory", "Memory for buffers (default 512 MiB). More lets a --leave-running workload run on sooner.", "--memory 512M");
    private readonly Option<TimeSpan?> _timeout = OptionKinds.Duration(
        "--timeout", "Give up and roll back after this time (default: none).", "--timeout 10m");
    private readonly Option<TimeSpan?> _maxFrozen = OptionKinds.Duration(
        "--max-frozen", "Roll back when the workload has stood still for this long (default 5m).", "--max-frozen 90s");
    private readonly Option<string[]> _include = OptionKinds.Texts(
        "--include",
        "PATH",
        "A regular file that is captured with the snapshot and written back at restore. May be given several times.",
        "--include /var/tmp/state.db");
    private readonly Option<string[]> _exclude = OptionKinds.Texts(
        "--exclude",
        "PATTERN",
        "Paths of a container that do not travel with its snapshot. May be given several times.",
        "--exclude '/var/cache/**'");
    private readonly Option<bool> _full = OptionKinds.Flag(
        "--full", "Store everything again, instead of only what changed since the workload's last snapshot.");
    private readonly Option<Dictionary<string, string>> _criuOptions = OptionKinds.Pairs(
        "--criu-option",
        "Set an option of CRIU in place of what the inspection derives, here and at restore. May be given several times.",
        "--criu-option ghost-limit=64M",
        "NAME=VALUE");
    private readonly Option<bool> _force = OptionKinds.Flag("--force", "Go on in spite of overridable findings. Blockers refuse always.");
    private readonly Option<bool> _dryRun = OptionKinds.Flag(
        "--dry-run", "Only say whether it would be possible, as 'preflight' does; --criu-option, --include and --leave-running count as they would.");

    public CheckpointVerb()
        : base("checkpoint", "Snapshot a running process tree into the repository.")
    {
        _criuOptions.CompletionSources.Add(CriuOptionCompletion.Complete);
        Options.Add(_pid);
        Options.Add(_container);
        Options.Add(_pod);
        Options.Add(_runtime);
        Options.Add(_leaveRunning);
        Options.Add(_name);
        Options.Add(_labels);
        Options.Add(_memory);
        Options.Add(_timeout);
        Options.Add(_maxFrozen);
        Options.Add(_include);
        Options.Add(_exclude);
        Options.Add(_full);
        Options.Add(_criuOptions);
        Options.Add(_force);
        Options.Add(_dryRun);
    }

    public override WorkloadRole Role => WorkloadRole.Checkpoints;

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Freezes a process and all its descendants, streams their memory and state compressed and encrypted into the repository, "
                + "and ends them when the snapshot is durable. Nothing is written to local disk on the way. The process needs no "
                + "preparation and does not notice.",
            "With --container it is a container of this node's runtime, as it is: its memory, the files that it changed, its tmpfs and "
                + "emptyDirs. Volumes and what the pod gets from its cluster stay where they are.",
            "With --pod it is every container of a pod that runs, frozen together and kept as one snapshot: shared memory and emptyDirs that they have in "
                + "common, and connections between them, go on. It is durable for all of them or for none.",
            "Until the snapshot is durable every failure, and Ctrl-C, ends with the workload running on. "
                + "With --leave-running it runs on in any case.",
            "Of a workload that has a snapshot in the repository only what changed since is stored; the rest is shared with the earlier "
                + "snapshot, which may be deleted all the same. --full stores everything.",
            "The workload is looked at first; what CRIU cannot snapshot is told as findings, and nothing is touched (exit code 3).",
            "What CRIU must be told is derived from the workload. --criu-option says otherwise for tcp-established, file-locks, shell-job, "
                + "ext-unix-sk, link-remap, skip-in-flight (yes or no), ghost-limit (a size), network-lock (nftables or skip) and "
                + "manage-cgroups (ignore, none, props, soft, full or strict); it is recorded in the snapshot and repeated at restore.",
            "Needs root. The work is done by the node service where its socket is, and in this process otherwise.",
        ],
        Examples =
        [
            new(
                "Snapshot process 4711 and its children, and end them:",
                "checkpointer checkpoint --pid 4711 --repo /srv/checkpoints --name training"),
            new("Snapshot a workload every hour while it runs on:", "checkpointer checkpoint --pid 4711 --leave-running --memory 4G"),
            new("Snapshot a container, and end it:", "checkpointer checkpoint --container default/web-0/server"),
            new("Snapshot all containers of a pod together:", "checkpointer checkpoint --pod default/web-0 --name web"),
            new("Only the snapshot's id, for a script:", "id=$(checkpointer checkpoint --pid 4711 --quiet)"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "the snapshot is durable"),
            new(ExitCode.Failed, "failed; the workload runs on unless the message says otherwise"),
            HelpParts.Usage,
            new(ExitCode.Refused, "refused by findings; nothing was touched"),
            HelpParts.RepositoryTrouble,
            new(ExitCode.Environment, "not root, no CRIU, or CRIU or the kernel lack what is needed"),
            new(ExitCode.Attention, "ATTENTION: the workload's state is unknown or it could not be thawed"),
            new(ExitCode.Cancelled, "cancelled (Ctrl-C, SIGTERM); the workload runs"),
        ],
        Globals = HelpParts.AllGlobals,
        Environment = HelpParts.AllVariables,
        Json = "snapshot, lineage, generation, name, parent, bytesCaptured, bytesStored, bytesReused, durable, workloadRunning, frozenMs, "
            + "criuFrozenMs, timings (phase to ms), findings, operation, members (of a pod: name, container, pid, processes, criuFrozenMs); on an error: error with code, message, remedy, workloadRunning, "
            + "snapshotDurable, logFile",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var parse = context.Parse;
        var (pid, container, pod) = (parse.GetValue(_pid), parse.GetValue(_container), parse.GetValue(_pod));
        var named = new object?[] { pid, container, pod }.Count(static n => n is not null);
        if (named != 1)
        {
            throw new UsageException(
                "workload-missing",
                named == 0 ? "no workload is named" : "more than one of a process, a container and a pod is named",
                "Give the root of its process tree with --pid, for example --pid 4711, a container with --container or a pod with --pod.");
        }

        context.RequireRoot("checkpoint");

        var runner = await context.OpenRunnerAsync(needsRepository: !parse.GetValue(_dryRun), _runtime, cancellationToken).ConfigureAwait(false);
        await using (runner.ConfigureAwait(false))
        {
            if (parse.GetValue(_dryRun))
            {
                var question = new PreflightRequest
                {
                    Pid = pid,
                    Container = container,
                    Pod = pod,
                    LeaveRunning = parse.GetValue(_leaveRunning),
                    CriuOptions = parse.GetValue(_criuOptions) ?? [],
                    Include = [.. (parse.GetValue(_include) ?? []).Select(Path.GetFullPath)],
                };
                var report = await runner.PreflightAsync(question, cancellationToken).ConfigureAwait(false);
                return PreflightVerb.Tell(context, report, parse.GetValue(_force));
            }

            var access = await RepositoryChoice.ForAsync(context.Settings, runner, cancellationToken).ConfigureAwait(false);
            var request = new CheckpointRequest
            {
                Pid = pid,
                Container = container,
                Pod = pod,
                Exclude = [.. parse.GetValue(_exclude) ?? []],
                Repository = access.Repository,
                KeyFile = access.KeyFile,
                LeaveRunning = parse.GetValue(_leaveRunning),
                Name = parse.GetValue(_name),
                Labels = parse.GetValue(_labels) ?? [],
                MemoryBytes = parse.GetValue(_memory) ?? CheckpointRequest.DefaultMemoryBytes,
                TimeoutSeconds = parse.GetValue(_timeout)?.TotalSeconds,
                MaxFrozenSeconds = parse.GetValue(_maxFrozen)?.TotalSeconds ?? CheckpointRequest.DefaultMaxFrozenSeconds,
                Include = [.. (parse.GetValue(_include) ?? []).Select(Path.GetFullPath)],
                Full = parse.GetValue(_full),
                CriuOptions = parse.GetValue(_criuOptions) ?? [],
                Force = parse.GetValue(_force),
            };
            var result = await context.Progress()
                .ShowAsync(progress => runner.CheckpointAsync(request, progress, cancellationToken))
                .ConfigureAwait(false);
            Tell(context, result);
        }

        return (int)ExitCode.Done;
    }

    private static string Captured(CheckpointResult result)
    {
        var ratio = Texts.Ratio(result.BytesCaptured, result.BytesStored);
        var reused = result.BytesReused > 0 ? $"{ByteSize.Format(result.BytesReused)} shared with its parent, " : "";
        return $"{ByteSize.Format(result.BytesCaptured)}, {reused}stored {ByteSize.Format(result.BytesStored)} (ratio {ratio})";
    }

    private static string Frozen(CheckpointResult result)
    {
        // Zero: CRIU left no statistics.
        var criu = result.CriuFrozenMs > 0 ? $" (by CRIU's clock {Texts.Milliseconds(result.CriuFrozenMs)})" : "";
        return Texts.Milliseconds(result.FrozenMs) + criu;
    }

    private static void Tell(VerbContext context, CheckpointResult result)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(result, EngineJson.Default.CheckpointResult);
            return;
        }

        if (context.Settings.Quiet)
        {
            context.Print(result.Snapshot);
            return;
        }

        List<(string Label, string Value)> facts =
        [
            ("snapshot", result.Snapshot),
            ("name", result.Name ?? "-"),
            ("parent", result.Parent ?? "-"),
            ("captured", Captured(result)),
            ("frozen", Frozen(result)),
            ("workload", result.WorkloadRunning ? "runs on" : $"ended; restore it with: checkpointer restore {result.Snapshot}"),
        ];
        if (result.Members is { } members)
        {
            facts.Insert(1, ("containers", string.Join(", ", members.Select(static m => m.Name))));
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
