namespace Checkpointer.Integration.Tests;

/// <summary>A Python tree with threads, shared memory, pipes, sockets, timers and open files, unmodified.</summary>
public sealed class CounterTests
{
    [Fact]
    public async Task A_python_tree_goes_on_where_it_stopped()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 64);
        var before = await counter.VerifyAsync();

        var snapshot = await lab.CheckpointAsync(counter.Pid);
        var last = counter.Status()!;
        counter.MustBeGone(last);
        Assert.Equal(1, snapshot.Generation);
        Assert.InRange(snapshot.BytesCaptured, 64L << 20, long.MaxValue);
        // A quarter of the 64 MiB are zeros, which are never stored; code is compressed only when the store is slower than the tree waits for.
        Assert.InRange(snapshot.BytesStored, 1, snapshot.BytesCaptured * 90 / 100);

        await lab.RestoreAsync(snapshot.Id);
        var after = await counter.MustCountAsync();
        Assert.InRange(after.Count, last.Count + 1, last.Count + 400);
        var verified = await counter.VerifyAsync();
        Assert.Equal(before.Digest, verified.Digest);
        Assert.True(verified.Alarms > before.Alarms, "the interval timer no longer fires");
        Assert.True(verified.Pings > before.Pings, "the TCP connection inside of the tree is dead");
        counter.MustHaveCountedWithoutGap();
    }

    [Fact]
    public async Task A_workload_left_running_runs_on_and_its_snapshot_is_an_earlier_moment()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab);
        await lab.CheckpointAsync(counter.Pid, "--leave-running");
        await counter.MustCountAsync();
        await counter.VerifyAsync();
        counter.MustHaveCountedWithoutGap();
        Assert.All(Processes.TreeOf(counter.Pid), pid => Assert.Equal(0, Processes.TracerOf(pid)));
    }

    [Fact]
    public async Task Three_generations_of_checkpoint_and_restore_keep_the_memory_and_the_count()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var digest = (await counter.VerifyAsync()).Digest;
        var pid = counter.Pid;
        var depth = NamespaceDepth(pid);
        var lineages = new HashSet<string>();
        for (var generation = 1; generation <= 3; generation++)
        {
            var snapshot = await lab.CheckpointAsync(pid);
            Assert.Equal(generation, snapshot.Generation);
            lineages.Add(snapshot.Lineage);
            pid = (await lab.RestoreAsync(snapshot.Id)).Pid;
            await counter.MustCountAsync();
            Assert.Equal(digest, (await counter.VerifyAsync()).Digest);
            // At most the one pid namespace that stands for taken pids, never one more for each generation.
            Assert.InRange(NamespaceDepth(pid), depth, depth + 1);
        }

        Assert.Single(lineages);
        counter.MustHaveCountedWithoutGap();
    }

    private static int NamespaceDepth(int pid) =>
        File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("NSpid:", StringComparison.Ordinal)).Split('\t').Length - 1;
}
