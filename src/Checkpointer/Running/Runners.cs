using System.CommandLine;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Running;

/// <summary>Chooses between the service and the engine in this process.</summary>
internal static class Runners
{
    /// <summary>
    /// The service where one listens; the engine otherwise, after it has recovered. A socket that a person named and where
    /// nobody listens is an error: the work would silently run under other rules.
    /// </summary>
    /// <param name="context">Of the verb.</param>
    /// <param name="needsRepository">The verb works on one.</param>
    /// <param name="runtime">The verb's <c>--runtime-endpoint</c>; null for a verb without it.</param>
    /// <param name="cancellationToken">Ends the recovery.</param>
    public static async Task<IRunner> OpenAsync(
        VerbContext context, bool needsRepository, Option<string>? runtime, CancellationToken cancellationToken)
    {
        var (host, settings) = (context.Host, context.Settings);
        if (!settings.Embedded)
        {
            if (host.ServiceAnswers(settings.Socket))
            {
                return runtime is null || context.Parse.GetValue(runtime) is null ? host.Service(settings, host) : throw new UsageException(
                    "runtime-endpoint-service",
                    "the service asks the container runtime of its own configuration",
                    "Set runtimeEndpoint there, or leave the service out with --embedded.");
            }

            if (settings.SocketChosen)
            {
                throw NoService(settings.Socket);
            }
        }

        if (needsRepository)
        {
            // Asked before the recovery, so that wrong usage touches nothing.
            settings.RequireRepository();
        }

        var runner = host.Embedded(runtime is null ? settings : RuntimeChoice.Apply(context, runtime), host);
        if (runner is EmbeddedRunner embedded)
        {
            var report = await embedded.RecoverAsync(cancellationToken).ConfigureAwait(false);
            foreach (var operation in report.Operations)
            {
                // Always told, also with --quiet: it is about another workload, and nobody else tells it.
                host.Lines.Write(Line(operation));
            }
        }

        return runner;
    }

    public static HostException NoService(string socket) => new(
        "no-service",
        $"no service listens on {socket}",
        "Start it with 'checkpointer node', name its socket with --socket, or work without it with --embedded.");

    private static string Line(RecoveredOperation operation)
    {
        var prefix = operation.Outcome == "attention" ? "ATTENTION: " : "";
        return Errors.ErrorText.OneLine(
            $"{prefix}recovered {operation.Kind} {operation.Operation} (was in phase {operation.Phase}): {operation.Message}");
    }
}
