using System.Reflection;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>The service about itself: /v1/node, health, and its own description.</summary>
internal sealed class ServiceEndpoints(NodeConfiguration configuration, OperationScheduler scheduler, ServiceState state)
{
    private const string OpenApiResource = "Checkpointer.Node.openapi.json";

    public static string Version { get; } =
        typeof(ServiceEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public Task NodeAsync(HttpContext context)
    {
        var budget = scheduler.Budget;
        var node = new NodeResource
        {
            Version = Version,
            HostName = Host.HostName,
            KernelRelease = Host.KernelRelease,
            BootId = Host.BootId,
            Pid = Environment.ProcessId,
            Started = state.Started,
            Ready = state.IsReady,
            State = state.Name,
            Socket = configuration.Socket,
            StateDirectory = configuration.StateDirectory,
            RunDirectory = configuration.RunDirectory,
            Repositories = [.. configuration.Repositories.Select(r => new RepositoryResource(r.Key, RepositoryUrl.WithoutSecret(r.Value.Url)))],
            Budget = new BudgetResource
            {
                TotalBytes = budget.TotalBytes,
                BytesInUse = budget.BytesInUse,
                MaxConcurrent = budget.MaxConcurrent,
                Running = budget.Running,
                Queued = scheduler.Queued,
            },
            Recovery = state.Recovery,
        };
        return Answers.WriteAsync(context, StatusCodes.Status200OK, node, NodeJson.Default.NodeResource);
    }

    /// <summary>Healthy means that the operation loop goes round, which is also what the watchdog asks.</summary>
    public async Task HealthAsync(HttpContext context)
    {
        await scheduler.ProbeAsync(context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(
            context, StatusCodes.Status200OK, new HealthResource("ok"), NodeJson.Default.HealthResource).ConfigureAwait(false);
    }

    public Task ReadyAsync(HttpContext context)
    {
        var status = state.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return Answers.WriteAsync(context, status, new HealthResource(state.Name), NodeJson.Default.HealthResource);
    }

    public async Task OpenApiAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        var document = OpenApi();
        await using (document.ConfigureAwait(false))
        {
            await document.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
        }
    }

    public static Stream OpenApi()
    {
        return typeof(ServiceEndpoints).Assembly.GetManifestResourceStream(OpenApiResource)
            ?? throw new InvalidOperationException("The executable was built without its OpenAPI document.");
    }
}
