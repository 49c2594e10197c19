using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine;

/// <summary>What every operation of one engine shares.</summary>
internal sealed class EngineServices
{
    private readonly IContainerRuntime? _runtime;

    public EngineServices(
        EngineOptions options, ILoggerFactory loggers, TimeProvider time, Func<string, IBackend>? openBackend = null, IContainerRuntime? runtime = null)
    {
        _runtime = runtime;
        Options = options;
        Loggers = loggers;
        Time = time;
        Journal = new OperationJournal(options.StateDirectory);
        Lineages = new LineageRegistry(options.StateDirectory);
        Trees = new TreeRegistry(options.StateDirectory);
        ILogger logger = Logger = loggers.CreateLogger("Checkpointer.Engine");
        OpenBackend = openBackend ?? (url => RepositoryUrl.Open(url, trouble => EngineLog.StoreTrouble(logger, trouble)));
    }

    /// <exception cref="HostException">Code <c>runtime-missing</c>: this engine was given none.</exception>
    public IContainerRuntime Runtime => _runtime ?? throw new HostException(
        "runtime-missing", "This engine was started without a container runtime.", "Name its socket with --runtime-endpoint.");

    public EngineOptions Options { get; }

    public ILoggerFactory Loggers { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    /// <summary>Opens the store that a repository's URL names; faults are injected here.</summary>
    public Func<string, IBackend> OpenBackend { get; }

    public OperationJournal Journal { get; }

    public LineageRegistry Lineages { get; }

    public TreeRegistry Trees { get; }

    public string Hook => Shim("checkpointer-hook");

    public string Init => Shim("checkpointer-init");

    public string Gpu => Shim("checkpointer-gpu");

    /// <summary>Told each step of the GPU part, after it was written down and after each call. For tests, which strike there.</summary>
    public Action<string>? GpuStepReached { get; set; }

    /// <param name="url">What the request names.</param>
    /// <param name="key">A <see cref="KeyReference"/> as text.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    public Task<CheckpointRepository> OpenRepositoryAsync(string url, string key, CancellationToken cancellationToken) =>
        CheckpointRepository.OpenAsync(OpenBackend(WithSecret(url)), () => LoadKey(key), cancellationToken);

    // The journal knows places without their signatures; recovery needs them again.
    private string WithSecret(string url) =>
        Options.Repositories.FirstOrDefault(known => known != url && RepositoryUrl.WithoutSecret(known) == url) ?? url;

    private RepositoryKey LoadKey(string key)
    {
        var loaded = KeyReference.Parse(key).Load();
        if (loaded.Warning is { } warning)
        {
            EngineLog.KeyWarning(Logger, warning);
        }

        return loaded;
    }

    private string Shim(string name)
    {
        var path = Path.Combine(Options.ShimDirectory ?? AppContext.BaseDirectory, name);
        return File.Exists(path)
            ? path
            : throw new HostException(
                "no-shim",
                $"{path} does not exist.",
                "Install checkpointer whole: the helpers belong beside the executable (scripts/build.sh makes them).");
    }
}
