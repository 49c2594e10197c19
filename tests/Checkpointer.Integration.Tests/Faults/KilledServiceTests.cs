namespace Checkpointer.Integration.Tests;

/// <summary>The node service is killed (SIGKILL) while it works, and started again: nothing is lost, and nobody else need do anything.</summary>
public sealed class KilledServiceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_service_killed_during_a_dump_leaves_the_workload_running()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var node = await NodeProcess.StartAsync(lab);
        await using var run = BackgroundRun.Checkpointer(lab, "checkpoint", "--pid", $"{counter.Pid}", "--json");
        // CRIU is held, so that the dump cannot be over before the service is killed.
        var criu = await RunningCriuAsync(lab, run);
        Signals.Send(criu, Signals.Stop);
        await Eventually.TrueAsync("an entry of the dump", Limit, () => JournalFile.Phase(lab) == "dump");
        await node.KillAsync();
        Signals.Send(criu, Signals.Continue);

        (await run.EndAsync()).MustSay(1, "service-lost");
        await node.StartAgainAsync();

        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
        Assert.Empty(await lab.SnapshotsAsync());
        // And the service does its work again.
        (await lab.CheckpointerAsync("checkpoint", "--pid", $"{counter.Pid}", "--leave-running", "--json")).MustSucceed();
        await counter.MustBeUnharmedAsync(lab);
    }

    [Fact]
    public async Task A_service_killed_during_a_commit_leaves_the_workload_running_or_restorable()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 96);
        var node = await NodeProcess.StartAsync(lab);
        await using var run = BackgroundRun.Checkpointer(lab, "checkpoint", "--pid", $"{counter.Pid}", "--json");
        await Eventually.TrueAsync("the phase commit", Limit, () => JournalFile.Phase(lab) == "commit" || run.MustRun(), TimeSpan.FromMilliseconds(1));
        await node.KillAsync();
        var phase = JournalFile.Phase(lab);

        (await run.EndAsync()).MustSay(1, "service-lost");
        await node.StartAgainAsync();

        Assert.Equal("commit", phase);
        await MustRunOrRestoreAsync(lab, counter);
        await lab.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_service_killed_during_a_restore_leaves_no_half_restored_tree()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var snapshot = (await lab.CheckpointAsync(counter.Pid)).Id;
        var node = await NodeProcess.StartAsync(lab);
        await using var run = BackgroundRun.Checkpointer(lab, "restore", snapshot, "--json");
        var criu = await RunningCriuAsync(lab, run);
        Signals.Send(criu, Signals.Stop);
        await node.KillAsync();
        Signals.Send(criu, Signals.Continue);

        (await run.EndAsync()).MustSay(1, "service-lost");
        await node.StartAgainAsync();

        Assert.Empty(lab.Helpers("criu", "checkpointer-init"));
        await lab.MustBeCleanAsync();
        await lab.MustRestoreAsync(counter, snapshot);
    }

    [Fact]
    public async Task A_restored_tree_outlives_its_service_and_is_known_to_the_next_one()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var first = await lab.CheckpointAsync(counter.Pid);
        var node = await NodeProcess.StartAsync(lab);
        var pid = (await lab.CheckpointerAsync("restore", first.Id, "--json")).MustSucceed().Json.GetProperty("pid").GetInt32();
        await counter.MustBeUnharmedAsync(lab, pid);

        await node.KillAsync();
        await counter.MustBeUnharmedAsync(lab, pid);
        await node.StartAgainAsync();
        await counter.MustBeUnharmedAsync(lab, pid);

        var second = (await lab.CheckpointerAsync("checkpoint", "--pid", $"{pid}", "--json")).MustSucceed().Json;
        Assert.Equal(first.Lineage, second.GetProperty("lineage").GetString());
        Assert.Equal(2, second.GetProperty("generation").GetInt64());
        Assert.False(Processes.IsAlive(pid));
    }

    private static async Task MustRunOrRestoreAsync(Lab lab, CounterWorkload counter)
    {
        var snapshot = (await lab.SnapshotsAsync()).SingleOrDefault();
        if (Processes.IsAlive(counter.Pid))
        {
            await counter.MustBeUnharmedAsync(lab);
            Assert.True(snapshot?.Superseded ?? true, "a snapshot that its workload outlived is not marked");
            return;
        }

        Assert.NotNull(snapshot);
        await lab.MustRestoreAsync(counter, snapshot.Id);
    }

    private static async Task<int> RunningCriuAsync(Lab lab, BackgroundRun run)
    {
        var criu = 0;
        await Eventually.TrueAsync("CRIU", Limit, () => (criu = lab.Helpers("criu").FirstOrDefault()) != 0 || run.MustRun(), TimeSpan.FromMilliseconds(1));
        return criu;
    }
}
