using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Cli.Running;
using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Verbs;

/// <summary>Says whether a process can be checkpointed, or a snapshot restored here, without touching anything.</summary>
internal sealed class PreflightVerb : Verb
{
    private readonly Argument<string> _snapshot;
    private readonly Option<int?> _pid = OptionKinds.Pid("The root of the process tree to checkpoint.");
    private readonly Option<string> _container = OptionKinds.Text(
        "--container", "NAME", "The container to checkpoint: its id or a unique prefix, its name, POD/NAME or NAMESPACE/POD/NAME.", "--container web-0/server");
    private readonly Option<string> _pod = OptionKinds.Text(
        "--pod", "NAME", "The pod whose containers are to be checkpointed together: POD or NAMESPACE/POD, or the id of its sandbox.", "--pod default/web-0");
    private readonly Option<string> _runtime = RuntimeChoice.NewOption();
    private readonly Option<bool> _force = OptionKinds.Flag("--force", "Judge as with --force: overridable findings do not refuse.");

    public PreflightVerb(SnapshotCompletion completion)
        : base("preflight", "Say whether a process can be checkpointed, or a snapshot restored here.")
    {
        _snapshot = SnapshotArgument.Create(completion, required: false, "The snapshot to restore here. Either this or --pid.");
        Arguments.Add(_snapshot);
        Options.Add(_pid);
        Options.Add(_container);
        Options.Add(_pod);
        Options.Add(_runtime);
        Options.Add(_force);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Looks at a process tree (--pid), at a container (--container), at a pod (--pod) or at a snapshot and this node (SNAPSHOT), and prints the verdict: every finding with "
                + "what was found, "
                + "what would be needed, and how to mend it. Nothing is stopped, written or changed.",
            "Where a container's or pod's snapshot would go is not known here, and what only that place tells is left out; 'restore --into NAME --dry-run' looks at it.",
            "A blocker refuses always; an overridable finding refuses unless --force is given to checkpoint or restore; a note informs.",
            "Needs root for --pid, --container and --pod.",
        ],
        Examples =
        [
            new("Can this process be checkpointed?", "checkpointer preflight --pid 4711"),
            new("Can this container be checkpointed?", "checkpointer preflight --container default/web-0/server"),
            new("Can the containers of this pod be checkpointed together?", "checkpointer preflight --pod default/web-0"),
            new("Can this snapshot be restored here?", "checkpointer preflight 3f9c --repo /srv/checkpoints"),
            new(
                "Only what refuses, for a script:",
                "checkpointer preflight --pid 4711 --json | jq -r '.findings[] | select(.severity != \"note\") | .code'"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "nothing refuses"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Refused, "at least one finding refuses"),
            HelpParts.RepositoryTrouble,
            new(ExitCode.Environment, "not root, no CRIU, or CRIU or the kernel lack what is needed"),
        ],
        Globals = HelpParts.AllGlobals,
        Environment = HelpParts.AllVariables,
        Json = "subject, refuses, processes, estimatedBytes, parent, findings (code, severity, subject, found, needed, remedy)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var (snapshot, pid) = (context.Parse.GetValue(_snapshot), context.Parse.GetValue(_pid));
        var (container, pod) = (context.Parse.GetValue(_container), context.Parse.GetValue(_pod));
        var named = new object?[] { snapshot, pid, container, pod }.Count(static n => n is not null);
        if (named != 1)
        {
            throw new UsageException(
                "subject-missing",
                named == 0 ? "neither a process, a container, a pod nor a snapshot is named" : "more than one of a process, a container, a pod and a snapshot is named",
                "Give either --pid N, for example --pid 4711, or --container NAME, or --pod NAME, or a snapshot's id.");
        }

        if (snapshot is null)
        {
            context.RequireRoot(pid is not null ? "preflight --pid" : container is not null ? "preflight --container" : "preflight --pod");
        }

        var force = context.Parse.GetValue(_force);
        var runner = await context.OpenRunnerAsync(needsRepository: snapshot is not null, _runtime, cancellationToken).ConfigureAwait(false);
        await using (runner.ConfigureAwait(false))
        {
            if (snapshot is not null)
            {
                return await SnapshotAsync(context, runner, new PreflightRequest { Snapshot = snapshot }, force, cancellationToken).ConfigureAwait(false);
            }

            var report = await runner.PreflightAsync(new PreflightRequest { Pid = pid, Container = container, Pod = pod }, cancellationToken).ConfigureAwait(false);
            return Tell(context, report, force);
        }
    }

    /// <summary>The verdict about a snapshot; also what <c>restore --dry-run</c> says.</summary>
    /// <param name="context">The command.</param>
    /// <param name="runner">Who looks.</param>
    /// <param name="request">The snapshot and where it would go; repository and key are filled in.</param>
    /// <param name="force">Judge as with <c>--force</c>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<int> SnapshotAsync(
        VerbContext context, IRunner runner, PreflightRequest request, bool force, CancellationToken cancellationToken)
    {
        var access = await RepositoryChoice.ForAsync(context.Settings, runner, cancellationToken).ConfigureAwait(false);
        request = request with { Repository = access.Repository, KeyFile = access.KeyFile };
        return Tell(context, await runner.PreflightAsync(request, cancellationToken).ConfigureAwait(false), force);
    }

    /// <summary>Prints a verdict and returns the exit code it stands for.</summary>
    public static int Tell(VerbContext context, PreflightReport report, bool force)
    {
        var refuses = new Verdict(report.Findings).Refuses(force);
        report = report with { Refuses = refuses };
        if (context.Settings.Json)
        {
            context.PrintJson(report, EngineJson.Default.PreflightReport);
        }
        else
        {
            foreach (var line in FindingText.Lines(report.Findings))
            {
                context.Print(line);
            }

            context.Print(Errors.ErrorText.OneLine($"{report.Subject}: {Summary(report)}"));
        }

        return (int)(refuses ? ExitCode.Refused : ExitCode.Done);
    }

    private static string Summary(PreflightReport report)
    {
        var size = report.EstimatedBytes > 0 ? $", about {ByteSize.Format(report.EstimatedBytes)}" : "";
        var processes = report.Processes > 0 ? $" ({report.Processes} {(report.Processes == 1 ? "process" : "processes")}{size})" : "";
        var parent = report.Parent is null ? "" : $"; what changed since {report.Parent} would be stored";
        return (report.Refuses ? "refused" : "possible") + processes + (report.Refuses ? "" : parent);
    }
}
