using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Running;

/// <summary>The engine in this process.</summary>
internal sealed class EmbeddedRunner(IEngine engine, TimeProvider time, IDisposable? owned = null) : IRunner
{
    public bool HasRepositories => false;

    public bool CanInherit => true;

    public Task<bool> HasKeysAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    public static IRunner Create(Settings settings, CliHost host)
    {
        var loggers = new StderrLoggerFactory(host.Lines, settings.Debug);
        var options = new EngineOptions
        {
            StateDirectory = settings.StateDirectory,
            RunDirectory = settings.RunDirectory,
            CriuPath = settings.CriuPath,
            Gpu = new GpuOptions { CudaLibrary = settings.CudaLibrary, NvmlLibrary = settings.NvmlLibrary },
            RuntimeEndpoint = settings.RuntimeEndpoint,
            RuntimeEndpointGiven = settings.RuntimeEndpointGiven,
            Repositories = settings.Repository is { } repository ? [repository] : [],
        };
        return new EmbeddedRunner(Engines.Create(options, loggers, host.Time), host.Time, loggers);
    }

    /// <summary>Ends what a killed run left behind; says what it found.</summary>
    public Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken) => engine.RecoverAsync(cancellationToken);

    public Task<CheckpointResult> CheckpointAsync(
        CheckpointRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        return engine.CheckpointAsync(OperationId.New(time), request, progress, cancellationToken);
    }

    public Task<RestoreResult> RestoreAsync(
        RestoreRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        return engine.RestoreAsync(OperationId.New(time), request, progress, cancellationToken);
    }

    public Task<PreflightReport> PreflightAsync(PreflightRequest request, CancellationToken cancellationToken)
    {
        return request.Pid is { } pid
            ? engine.PreflightProcessAsync(pid, request.Options(), cancellationToken)
            : request.Container is { } container
            ? engine.PreflightContainerAsync(container, request.Options(), cancellationToken)
            : request.Pod is { } pod
            ? engine.PreflightPodAsync(pod, request.Options(), cancellationToken)
            : engine.PreflightSnapshotAsync(request.Restore(request.Repository!, request.KeyFile!), cancellationToken);
    }

    public Task<TreeExit> WaitForTreeAsync(string operation, CancellationToken cancellationToken)
    {
        return engine.WaitForTreeAsync(operation, cancellationToken);
    }

    public Task SignalTreeAsync(string operation, int signal, CancellationToken cancellationToken)
    {
        return engine.SignalTreeAsync(operation, signal, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        switch (engine)
        {
            case IAsyncDisposable disposable:
                await disposable.DisposeAsync().ConfigureAwait(false);
                break;
            case IDisposable disposable:
                disposable.Dispose();
                break;
        }

        owned?.Dispose();
    }
}
