namespace Checkpointer.Integration.Tests;

/// <summary>
/// A lab with a running counter that many faults of one class strike one after the other. A test that ends soundly gives it back; after
/// any other the next one gets a new lab, so that no failure is carried on.
/// </summary>
public sealed class FaultBench : IAsyncDisposable
{
    private const int Mebibytes = 16;

    private Lab? _lab;
    private CounterWorkload? _counter;
    private bool _sound;

    internal Lab Lab => _lab!;

    internal CounterWorkload Counter => _counter!;

    /// <summary>The snapshots that were there when the test began.</summary>
    internal IReadOnlyList<ListedSnapshot> Before { get; private set; } = [];

    /// <summary>Makes lab and counter ready. The test says <see cref="GiveBack"/> when they are as good as before.</summary>
    internal async Task TakeAsync()
    {
        if (!_sound)
        {
            await DisposeAsync();
            _lab = await Lab.CreateWithRepositoryAsync();
            _counter = await CounterWorkload.StartAsync(_lab, Mebibytes);
        }

        _sound = false;
        Before = await Lab.SnapshotsAsync();
    }

    internal void GiveBack() => _sound = true;

    /// <summary>The request for a checkpoint of the counter.</summary>
    internal CheckpointPlan Checkpoint(bool leaveRunning = false) => new() { Pid = Counter.Pid, LeaveRunning = leaveRunning };

    public async ValueTask DisposeAsync()
    {
        if (_lab is { } lab)
        {
            _lab = null;
            _counter = null;
            await lab.DisposeAsync();
        }
    }
}
