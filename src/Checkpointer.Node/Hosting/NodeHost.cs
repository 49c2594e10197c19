using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Checkpointer.Node;

/// <summary>Makes the engine once the service's logging stands.</summary>
public delegate IEngine EngineFactory(EngineOptions options, ILoggerFactory loggers, TimeProvider time);

/// <summary>
/// One node service from start to stop: the socket, the web host on it, recovery, and the graceful end.
/// The builder is the empty one on purpose: no settings file, environment variable or command line of the web host may open
/// another listener or change a limit of a privileged service.
/// </summary>
internal sealed class NodeHost : IAsyncDisposable
{
    /// <summary>Connections at once: clients hold one each, an event stream one more.</summary>
    private const int MaxConnections = 512;

    /// <summary>Answers under way when everything else is over; none takes long.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly NodeConfiguration _configuration;
    private readonly WebApplication _app;
    private readonly SocketPlace _place;

    private NodeHost(NodeConfiguration configuration, WebApplication app, SocketPlace place)
    {
        (_configuration, _app, _place) = (configuration, app, place);
    }

    public WebApplication App => _app;

    public IServiceProvider Services => _app.Services;

    /// <summary>Takes the socket's place and builds everything; nobody can connect yet.</summary>
    public static NodeHost Create(
        NodeConfiguration configuration, EngineFactory engine, ISystemNotifier? notifier = null, TimeProvider? time = null,
        Action<ILoggingBuilder>? logging = null)
    {
        var place = SocketPlace.Take(configuration.Socket, configuration.RunDirectory);
        try
        {
            var builder = WebApplication.CreateEmptyBuilder(
                new WebApplicationOptions { ApplicationName = "Checkpointer.Node", ContentRootPath = "/" });
            NodeLogging.Configure(builder.Logging, configuration);
            logging?.Invoke(builder.Logging);
            AddServices(builder.Services, configuration, engine, time ?? TimeProvider.System);
            if (notifier is not null)
            {
                builder.Services.AddSingleton(notifier);
            }

            AddKestrel(builder, configuration, place);

            var app = builder.Build();
            app.UseMiddleware<ErrorMiddleware>();
            app.UseMiddleware<PeerMiddleware>();
            app.UseRouting();
            NodeApi.Map(app);
            return new NodeHost(configuration, app, place);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>Listens, recovers, and is ready when this returns. Requests that come before are told to wait.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var logger = Services.GetRequiredService<ILogger<NodeHost>>();
        NodeLog.ServiceStarting(
            logger, ServiceEndpoints.Version, _configuration.Socket, ByteSize.Format(_configuration.MemoryBytes),
            _configuration.MaxConcurrent, _configuration.StateDirectory);
        if (_configuration.Repositories.Count == 0)
        {
            NodeLog.RepositoriesOpen(logger);
        }

        await _app.StartAsync(cancellationToken).ConfigureAwait(false);
        Services.GetRequiredService<NodeMetrics>().ShowZeroes();
        await Services.GetRequiredService<StartRecovery>().RunAsync(cancellationToken).ConfigureAwait(false);
        Services.GetRequiredService<ISystemNotifier>().Ready();
    }

    /// <summary>
    /// Stops gracefully; <paramref name="hurry"/> ends the wait for running operations and rolls them back at once.
    /// Returns the exit code: 0, or 6 when an operation could not be rolled back in time.
    /// </summary>
    public async Task<ExitCode> StopAsync(CancellationToken hurry)
    {
        Services.GetRequiredService<ServiceState>().Stop();
        Services.GetRequiredService<ISystemNotifier>().Stopping();
        var result = await Services.GetRequiredService<GracefulStop>().RunAsync(_configuration.StopTimeout, hurry).ConfigureAwait(false);
        using var close = new CancellationTokenSource(CloseTimeout);
        await _app.StopAsync(close.Token).ConfigureAwait(false);
        NodeLog.ServiceStopped(Services.GetRequiredService<ILogger<NodeHost>>());
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        _place.Dispose();
    }

    private static void AddServices(
        IServiceCollection services, NodeConfiguration configuration, EngineFactory engine, TimeProvider time)
    {
        var options = new EngineOptions
        {
            StateDirectory = configuration.StateDirectory,
            RunDirectory = configuration.RunDirectory,
            CriuPath = configuration.CriuPath,
            ShimDirectory = configuration.ShimDirectory,
            Gpu = new GpuOptions { CudaLibrary = configuration.CudaLibrary, NvmlLibrary = configuration.NvmlLibrary },
            RuntimeEndpoint = configuration.RuntimeEndpoint,
            Repositories = [.. configuration.Repositories.Values.Select(r => r.Url)],
        };
        services.AddRoutingCore();
        services.AddMetrics();
        services.AddSingleton(configuration);
        services.AddSingleton(time);
        services.AddSingleton<ISystemNotifier, SystemdNotifier>();
        services.AddSingleton<IHostLifetime, QuietLifetime>();
        services.AddSingleton<IEngine>(s => engine(options, s.GetRequiredService<ILoggerFactory>(), time));
        services.AddSingleton(new NodeBudget(configuration.MemoryBytes, configuration.MaxConcurrent));
        services.AddSingleton(new RepositoryAccess(configuration.Repositories));
        services.AddSingleton(new CallerPids());
        services.AddSingleton<ServiceState>();
        services.AddSingleton<OperationStore>();
        services.AddSingleton<OperationHistory>();
        services.AddSingleton<NodeMetrics>();
        services.AddSingleton<OperationScheduler>();
        services.AddSingleton<StartRecovery>();
        services.AddSingleton<GracefulStop>();
        services.AddHostedService<Watchdog>();
        NodeApi.AddHandlers(services);
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("checkpointer", serviceVersion: ServiceEndpoints.Version))
            .WithMetrics(metrics => metrics
            .AddMeter(NodeMetrics.MeterName)
            .AddView(NodeMetrics.FrozenInstrument, new ExplicitBucketHistogramConfiguration { Boundaries = NodeMetrics.FrozenBuckets })
            .AddView(NodeMetrics.DurationInstrument, new ExplicitBucketHistogramConfiguration { Boundaries = NodeMetrics.DurationBuckets })
            .AddPrometheusExporter(exporter =>
            {
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
                exporter.ScopeInfoEnabled = false;
            }));
    }

    private static void AddKestrel(WebApplicationBuilder builder, NodeConfiguration configuration, SocketPlace place)
    {
        builder.WebHost.UseKestrelCore();
        builder.Services.Configure<SocketTransportOptions>(transport =>
        {
            transport.CreateBoundListenSocket = endPoint =>
                endPoint is UnixDomainSocketEndPoint ? place.Bind() : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestReader.MaxBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.ListenUnixSocket(place.Path, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                PeerMiddleware.Identify(listen);
            });
            if (configuration.MetricsListen is { } metrics)
            {
                kestrel.Listen(metrics, listen => listen.Protocols = HttpProtocols.Http1);
            }
        });
    }

    /// <summary>Signals are the caller's business (see <see cref="NodeService"/>), so the host listens for none.</summary>
    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
