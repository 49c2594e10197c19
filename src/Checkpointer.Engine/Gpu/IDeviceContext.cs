using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// State of a workload that is in devices, not in its memory: it is brought into the memory before CRIU looks, and back when the workload
/// goes on. The dump knows no more of devices than this.
/// </summary>
internal interface IDeviceContext : IAsyncDisposable
{
    /// <summary>Whether any tree of the workload uses a device.</summary>
    bool IsUsed { get; }

    /// <summary>What the manifest keeps of a tree; null when that uses no device.</summary>
    GpuRecord? RecordOf(int tree);

    /// <summary>Where the time went so far; null when the workload uses no device.</summary>
    GpuTimings? Timings { get; }

    /// <summary>Brings everything into memory. On failure some of it may be: <see cref="ResumeAsync"/> mends that.</summary>
    Task SuspendAsync(CancellationToken cancellationToken);

    /// <summary>While everything stands still: the image of a tree holds what was brought into it.</summary>
    /// <exception cref="OperationFailedException">It does not; the dump must not count.</exception>
    void CheckImage(int tree, CaptureStatistics image);

    /// <summary>The next thing will be <see cref="ResumeAsync"/>: the journal's next write tells it.</summary>
    void AnnounceResume();

    /// <summary>The processes run again: gives them their devices back. Safe at any time, also when nothing was suspended.</summary>
    /// <returns>Null, or what could not be brought back, for a person.</returns>
    Task<string?> ResumeAsync();

    /// <summary>The workload has ended and needs nothing back.</summary>
    void Ended();
}

/// <summary>A workload without devices.</summary>
internal sealed class NoDevices : IDeviceContext
{
    public bool IsUsed => false;

    public GpuTimings? Timings => null;

    public GpuRecord? RecordOf(int tree) => null;

    public Task SuspendAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void CheckImage(int tree, CaptureStatistics image)
    {
    }

    public void AnnounceResume()
    {
    }

    public Task<string?> ResumeAsync() => Task.FromResult<string?>(null);

    public void Ended()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
