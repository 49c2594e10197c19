using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Node;

/// <summary>All routes in one place. openapi.json describes the same ones; a test compares.</summary>
internal static class NodeApi
{
    private const string FallbackName = "no such route";

    /// <summary>What the TCP listener shows.</summary>
    public static bool IsPublic(PathString path) => path.Value is "/healthz" or "/readyz" or "/metrics";

    public static UsageException NoSuchRoute() => new("route-not-found", "There is no such resource.", "/openapi.json lists all of them.");

    public static void Map(WebApplication app)
    {
        var operations = app.Services.GetRequiredService<OperationEndpoints>();
        app.MapPost("/v1/checkpoints", operations.CheckpointAsync);
        app.MapPost("/v1/restores", operations.RestoreAsync);
        app.MapGet("/v1/operations", operations.ListAsync);
        app.MapGet("/v1/operations/{id}", operations.GetAsync);
        app.MapDelete("/v1/operations/{id}", operations.CancelAsync);
        app.MapGet("/v1/operations/{id}/events", operations.EventsAsync);

        app.MapPost("/v1/preflight", app.Services.GetRequiredService<PreflightEndpoint>().CheckAsync);

        var trees = app.Services.GetRequiredService<TreeEndpoints>();
        app.MapGet("/v1/trees/{operation}", trees.GetAsync);
        app.MapGet("/v1/trees/{operation}/exit", trees.WaitAsync);
        app.MapPost("/v1/trees/{operation}/signal", trees.SignalAsync);

        var service = app.Services.GetRequiredService<ServiceEndpoints>();
        app.MapGet("/v1/node", service.NodeAsync);
        app.MapGet("/healthz", service.HealthAsync);
        app.MapGet("/readyz", service.ReadyAsync);
        app.MapGet("/openapi.json", service.OpenApiAsync);
        app.MapPrometheusScrapingEndpoint("/metrics");

        app.MapFallback("{**path}", (RequestDelegate)(_ => throw NoSuchRoute())).WithDisplayName(FallbackName);
    }

    public static void AddHandlers(IServiceCollection services)
    {
        services.AddSingleton<OperationEndpoints>();
        services.AddSingleton<OperationFactory>();
        services.AddSingleton<OperationPresenter>();
        services.AddSingleton<PreflightEndpoint>();
        services.AddSingleton<TreeEndpoints>();
        services.AddSingleton<ServiceEndpoints>();
    }

    /// <summary>The routes as (method, pattern), without the fallback.</summary>
    public static IEnumerable<(string Method, string Pattern)> RoutesOf(IEndpointRouteBuilder app)
    {
        return app.DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .Where(e => e.DisplayName != FallbackName)
            .SelectMany(e => (e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Select(m => (m, e.RoutePattern.RawText!)));
    }
}
