namespace Checkpointer.Integration.Tests;

/// <summary>The tests' own tools: a workload that is hurt must be noticed, and a lab leaves nothing behind.</summary>
public sealed class LabTests
{
    [Fact]
    public async Task The_counter_counts_checks_itself_and_stops_with_its_code()
    {
        await using var lab = Lab.Create();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 8);
        var status = await counter.VerifyAsync();
        Assert.Equal(2, status.Workers.Count);
        counter.MustHaveCountedWithoutGap();
        Assert.Equal("stopping", await counter.AskAsync("stop"));

        // The workers end after their parent, each in its own time.
        await Eventually.TrueAsync(
            "the end of the counter and its workers", TimeSpan.FromSeconds(60), () => !status.Workers.Append(counter.Pid).Any(Processes.IsAlive));
        counter.MustBeGone(status);
    }

    [Fact]
    public async Task A_disposed_lab_leaves_no_process_and_no_file()
    {
        string directory;
        CounterWorkload counter;
        CounterStatus status;
        await using (var lab = Lab.Create())
        {
            directory = lab.Directory;
            counter = await CounterWorkload.StartAsync(lab, mebibytes: 8);
            status = counter.Status()!;
            (await lab.RunAsync("/bin/mount", ["-t", "tmpfs", "lab", Directory.CreateDirectory(Path.Combine(directory, "m")).FullName], Lab.DefaultLimit)).MustSucceed();
        }

        counter.MustBeGone(status);
        Assert.False(Directory.Exists(directory));
        Assert.False(File.Exists($"/dev/shm/counter-{counter.Pid}"));
    }

    [Fact]
    public async Task A_lab_disposed_in_the_middle_of_a_dump_leaves_no_network_lock()
    {
        string table;
        FaultRun run;
        await using (var lab = await Lab.CreateWithRepositoryAsync())
        {
            var counter = await CounterWorkload.StartAsync(lab, mebibytes: 64);
            // The store takes nothing, so the dump stands still in the middle of the pages.
            run = FaultRun.Start(
                lab, new FaultPlan { StallObject = "packs/", Checkpoint = new CheckpointPlan { Pid = counter.Pid, LeaveRunning = true, MemoryBytes = 32L << 20 } });
            table = await Eventually.ValueAsync(
                "CRIU's network lock", TimeSpan.FromSeconds(60), () => NetworkLocks.Of(lab.StateDirectory).FirstOrDefault(NetworkLocks.Exists));
        }

        await run.DisposeAsync();
        Assert.False(NetworkLocks.Exists(table));
    }
}
