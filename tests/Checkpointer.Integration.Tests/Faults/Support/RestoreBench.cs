namespace Checkpointer.Integration.Tests;

/// <summary>
/// A lab with one snapshot of a counter that is gone: many failed restores strike it one after the other. After each the snapshot must
/// still restore; the tree is then ended and its files are put back, for the next one.
/// </summary>
public sealed class RestoreBench : IAsyncDisposable
{
    private const int Mebibytes = 16;
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);

    private Lab? _lab;
    private CounterWorkload? _counter;
    private bool _sound;

    internal Lab Lab => _lab!;

    internal CounterWorkload Counter => _counter!;

    internal string Snapshot { get; private set; } = "";

    internal RestorePlan Restore => new() { Snapshot = Snapshot };

    private string Saved => Path.Combine(Lab.Directory, "saved");

    internal async Task TakeAsync()
    {
        if (!_sound)
        {
            await DisposeAsync();
            _lab = await Lab.CreateWithRepositoryAsync();
            _counter = await CounterWorkload.StartAsync(_lab, Mebibytes);
            Snapshot = (await _lab.CheckpointAsync(_counter.Pid)).Id;
            await CopyAsync(_counter.Directory, Saved);
        }

        _sound = false;
    }

    /// <summary>Nothing of a restore is left: no process, no directory, no cgroup, no journal entry.</summary>
    internal async Task MustHaveLeftNothingAsync()
    {
        await Eventually.TrueAsync("the end of the tree's owner", EndLimit, () => Lab.Helpers("checkpointer-init", "criu").Count == 0);
        Assert.DoesNotContain(Processes.All(), pid => Processes.IsAlive(pid) && Processes.CommandLine(pid).Contains(Counter.Directory, StringComparison.Ordinal));
        await Lab.MustBeCleanAsync();
        await Eventually.TrueAsync("the end of its cgroups", EndLimit, () => !RestoreCgroups.OfFailures(Lab).Any());
    }

    /// <summary>The snapshot restores and verifies; then everything is as it was before.</summary>
    internal async Task MustStillRestoreAsync()
    {
        var pid = await Lab.MustRestoreAsync(Counter, Snapshot);
        await EndTreeAsync(pid);
        _sound = true;
    }

    /// <summary>The root of the tree that runs, found by its arguments.</summary>
    internal int RestoredRoot()
    {
        var counters = Processes.All()
            .Where(pid => Processes.IsAlive(pid) && Processes.CommandLine(pid).Contains($" {Counter.Directory} ", StringComparison.Ordinal)).ToHashSet();
        return Assert.Single(counters, pid => !counters.Contains(Processes.ParentOf(pid)));
    }

    /// <summary>Ends a restored tree and puts its files back as they were when it was dumped.</summary>
    internal async Task EndTreeAsync(int pid)
    {
        await Signals.KillAsync(pid);
        await Eventually.TrueAsync("the end of the tree's owner", EndLimit, () => Lab.Helpers("checkpointer-init").Count == 0);
        await CopyAsync(Saved + "/.", Counter.Directory);
    }

    public async ValueTask DisposeAsync()
    {
        if (_lab is { } lab)
        {
            _lab = null;
            _counter = null;
            await lab.DisposeAsync();
        }
    }

    // With times and owners to the nanosecond: open files are compared when the tree is restored.
    private async Task CopyAsync(string from, string to) =>
        (await Lab.RunAsync("/bin/cp", ["-a", from, to], Lab.DefaultLimit)).MustSucceed();
}
