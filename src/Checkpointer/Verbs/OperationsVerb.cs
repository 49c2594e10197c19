using System.CommandLine;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Cli.Running;
using Checkpointer.Engine;
using Checkpointer.Node;
using Checkpointer.Node.Client;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows what the node service does and did.</summary>
internal sealed class OperationsVerb : Verb
{
    private static readonly string[] Header = ["OPERATION", "KIND", "SUBJECT", "PHASE", "PROGRESS", "STARTED", "OUTCOME"];

    private readonly Argument<string> _id = new("ID")
    {
        HelpName = "ID",
        Description = "One operation; without it all that the service remembers.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<bool> _follow = OptionKinds.Flag(
        "--follow", "Show the operation's progress until it ends, and end as it ended. Ctrl-C stops watching, not the operation.");

    public OperationsVerb()
        : base("operations", "Show the checkpoints and restores of the node service.")
    {
        Arguments.Add(_id);
        Options.Add(_follow);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Lists the operations that the node service runs or remembers, oldest first, or shows one of them. "
                + "Operations of --embedded runs belong to the command that started them and are not listed.",
            "Needs the service, and root for its socket.",
        ],
        Examples =
        [
            new("What goes on:", "checkpointer operations"),
            new("Watch one until it ends:", "checkpointer operations 01jdk3v8q2m4x7ya --follow"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "done; with --follow: the operation succeeded"),
            HelpParts.Failed,
            new(ExitCode.Usage, "wrong usage, or no such operation"),
            new(ExitCode.Environment, "no service listens"),
            new(ExitCode.Cancelled, "cancelled (Ctrl-C, SIGTERM); the operation goes on"),
        ],
        Globals = ["--socket"],
        Environment = [HelpParts.Socket, HelpParts.Debug],
        Json = "operations, each with id, kind, subject, phase, progress (bytesDone, bytesTotal, bytesStored, bytesReused, bytesPerSecond), "
            + "started, outcome (succeeded, failed, cancelled or interrupted), result or error, recovery (of an interrupted one), phases",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var id = context.Parse.GetValue(_id);
        var follow = context.Parse.GetValue(_follow);
        if (follow && id is null)
        {
            throw new UsageException(
                "operation-missing",
                "--follow needs an operation",
                "Give its id, for example: checkpointer operations 01jdk3v8q2m4x7ya --follow.");
        }

        if (!context.Host.ServiceAnswers(context.Settings.Socket))
        {
            throw Runners.NoService(context.Settings.Socket);
        }

        using var client = new NodeClient(context.Settings.Socket);
        if (!follow)
        {
            IReadOnlyList<OperationResource> operations = id is null
                ? await client.ListOperationsAsync(cancellationToken).ConfigureAwait(false)
                : [await client.GetOperationAsync(id, cancellationToken).ConfigureAwait(false)];
            Tell(context, operations);
            return (int)ExitCode.Done;
        }

        var last = await context.Progress()
            .ShowAsync(progress => WatchAsync(client, id!, progress, cancellationToken))
            .ConfigureAwait(false);
        Tell(context, [last]);
        return last.Error?.ExitCode ?? (int)ExitCode.Done;
    }

    /// <summary>Watches without owning: cancelling here leaves the operation alone.</summary>
    private static async Task<OperationResource> WatchAsync(
        NodeClient client, string id, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        OperationResource? last = null;
        await foreach (var item in client.WatchAsync(id, cancellationToken).ConfigureAwait(false))
        {
            last = item.Operation;
            progress.Report(last.Progress with { Phase = last.Phase });
        }

        return last is { IsOver: true } ? last : throw new OperationFailedException(
            "service-lost",
            "the service went away before the operation was over",
            "Start it again: it recovers the operation from its journal.");
    }

    private static void Tell(VerbContext context, IReadOnlyList<OperationResource> operations)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(new OperationsOutput { Operations = operations }, CliJson.Default.OperationsOutput);
        }
        else if (operations.Count == 0)
        {
            context.Explain("no operations");
        }
        else
        {
            foreach (var line in Columns.Lines(Header, [.. operations.Select(Row)]))
            {
                context.Print(line);
            }
        }
    }

    private static string[] Row(OperationResource operation) =>
    [
        operation.Id,
        operation.Kind,
        operation.Subject,
        operation.Phase,
        operation.Progress.BytesDone > 0 ? ByteSize.Format(operation.Progress.BytesDone) : "-",
        Texts.Time(operation.Started),
        operation.Error is { } error ? $"{operation.Outcome}: {error.Message}" : operation.Outcome ?? "-",
    ];
}
