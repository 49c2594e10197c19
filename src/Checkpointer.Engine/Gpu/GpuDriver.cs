using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// The CUDA driver as the engine sees it: calls on processes, through a worker that is started with the first call and replaced when it
/// broke. The driver's own library never comes into this process. One caller at a time.
/// </summary>
internal sealed class GpuDriver : IAsyncDisposable
{
    /// <summary>A question that copies nothing and initializes nothing. It may wait for work that a lock waits for.</summary>
    private static readonly TimeSpan QuestionLimit = TimeSpan.FromSeconds(20);

    private readonly EngineServices _services;
    private GpuWorker? _worker;

    public GpuDriver(EngineServices services)
    {
        _services = services;
        Clock = new GpuClock(services.Time);
    }

    /// <summary>Where the time goes; the calls are measured here.</summary>
    public GpuClock Clock { get; }

    /// <summary>The worker that runs now; null before the first call. For the ledger: it may outlive us in a call.</summary>
    public ProcessIdentity? Worker => _worker is { } worker ? ProcessIdentity.Of(worker.ProcessId) : null;

    /// <summary>Told when a worker was started, before it is asked anything.</summary>
    public Action? WorkerStarted { get; set; }

    private GpuOptions Options => _services.Options.Gpu;

    public Task<GpuAnswer> HelloAsync() => AskAsync("hello", Options.CallLimit);

    public Task<GpuAnswer> DevicesAsync() => AskAsync("devices", Options.CallLimit);

    public Task<GpuAnswer> ProbeAsync(GpuProcess process) => AskAsync("probe", process, null, Question);

    /// <summary>A question changes nothing: when its worker died, another one is asked.</summary>
    public async Task<GpuAnswer> StateAsync(GpuProcess process)
    {
        var answer = await AskAsync("state", process, null, Question).ConfigureAwait(false);
        return answer.Kind == GpuAnswerKind.Unknown && answer.Word("why") == GpuWorker.Died
            ? await AskAsync("state", process, null, Question).ConfigureAwait(false)
            : answer;
    }

    public Task<GpuAnswer> LockAsync(GpuProcess process) => AskAsync(
        "lock", process, ((long)Options.LockLimit.TotalMilliseconds).ToString(CultureInfo.InvariantCulture), Options.LockLimit + Question);

    public Task<GpuAnswer> CheckpointAsync(GpuProcess process) => AskAsync("checkpoint", process, null, Options.CopyLimit(process.CopyBytes));

    /// <param name="process">What is given its GPUs back.</param>
    /// <param name="map">Pairs <c>OLD=NEW</c> for all of its GPUs, or null for the same ones.</param>
    public Task<GpuAnswer> RestoreAsync(GpuProcess process, string? map) =>
        AskAsync("restore", process, map ?? "-", Options.CallLimit + Options.CopyLimit(process.CopyBytes));

    public Task<GpuAnswer> UnlockAsync(GpuProcess process) => AskAsync("unlock", process, null, Options.CallLimit);

    public async ValueTask DisposeAsync()
    {
        if (_worker is { } worker)
        {
            _worker = null;
            await worker.DisposeAsync().ConfigureAwait(false);
        }
    }

    private TimeSpan Question => Options.CallLimit < QuestionLimit ? Options.CallLimit : QuestionLimit;

    private Task<GpuAnswer> AskAsync(string verb, GpuProcess process, string? argument, TimeSpan deadline) => AskAsync(
        string.Create(CultureInfo.InvariantCulture, $"{verb} {process.Pid} {process.StartTime}{(argument is null ? "" : " " + argument)}"), deadline);

    private async Task<GpuAnswer> AskAsync(string request, TimeSpan deadline)
    {
        if (_worker is { IsUsable: false } broken)
        {
            _worker = null;
            await broken.DisposeAsync().ConfigureAwait(false);
        }

        var start = _services.Time.GetTimestamp();
        var deed = _worker is null ? GpuClock.Worker : GpuClock.Requests;
        if (_worker is null)
        {
            _worker = GpuWorker.Start(_services.Gpu, Options.CudaLibrary, _services.Time);
            WorkerStarted?.Invoke();
        }

        var answer = await _worker.AskAsync(request, deadline).ConfigureAwait(false);
        Clock.Add(GpuClock.Driver, answer.Elapsed);
        Clock.Add(deed, _services.Time.GetElapsedTime(start) - answer.Elapsed);
        return answer;
    }
}
