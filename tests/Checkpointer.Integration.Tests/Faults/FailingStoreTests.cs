namespace Checkpointer.Integration.Tests;

/// <summary>The store is full, fails or stands still in the middle of a checkpoint: the workload runs on as if nothing had been.</summary>
public sealed class FailingStoreTests(FaultBench bench) : IClassFixture<FaultBench>
{
    private const int Failed = 1;
    private const int Repository = 4;
    private const double LargestScale = 16;

    /// <summary>The fault, whether the workload was to run on, the exit code and the error's code.</summary>
    public static TheoryData<string, bool, int, string> Faults => new()
    {
        { "full", false, Repository, "store-full" },
        { "full", true, Repository, "store-full" },
        { "fails", false, Repository, "store-failed" },
        { "fails at packs/", false, Repository, "store-failed" },
        { "fails at maps/", false, Repository, "store-failed" },
        { "fails at snapshots/", false, Repository, "store-failed" },
        { "fails at snapshots/", true, Repository, "store-failed" },
        { "stalls at packs/", false, Failed, "stalled" },
        { "stalls at snapshots/", false, Failed, "stalled" },
        { "stalls at packs/", true, Failed, "stalled" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_workload_outlives_a_store_that(string fault, bool leaveRunning, int exitCode, string code)
    {
        await bench.TakeAsync();
        await MustRollBackAsync(scale => Fault(fault, scale) with { Checkpoint = bench.Checkpoint(leaveRunning) }, exitCode, code);
    }

    [Fact]
    public async Task A_workload_that_stands_still_longer_than_allowed_is_released()
    {
        await bench.TakeAsync();
        await MustRollBackAsync(
            scale => new FaultPlan { StallObject = "packs/", Checkpoint = bench.Checkpoint() with { MaxFrozenSeconds = scale } }, Failed, "frozen-too-long");
    }

    [Fact]
    public async Task An_operation_that_takes_longer_than_allowed_is_rolled_back()
    {
        await bench.TakeAsync();
        await MustRollBackAsync(
            scale => new FaultPlan { StallObject = "packs/", Checkpoint = bench.Checkpoint() with { TimeoutSeconds = 4 * scale } }, Failed, "timeout");
    }

    [Fact]
    public async Task A_store_that_stalls_with_a_small_budget_holds_nothing_for_ever()
    {
        // The pool is smaller than the image, so CRIU itself stands in the middle of its pages when the store stops.
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 64);
        var plan = new FaultPlan
        {
            StallObject = "packs/",
            StallLimitSeconds = 5,
            Checkpoint = new CheckpointPlan { Pid = counter.Pid, MemoryBytes = 32L << 20 },
        };

        var outcome = await FaultRun.RunAsync(lab, plan);

        outcome.MustFail(Failed, "stalled");
        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_full_disk_under_the_repository_ends_with_the_workload_running()
    {
        await using var lab = Lab.Create();
        Directory.CreateDirectory(lab.Repository);
        await lab.MountTmpfsAsync(lab.Repository, "8m");
        (await lab.CheckpointerAsync("init")).MustSucceed();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 32);

        var outcome = await lab.CheckpointerAsync("checkpoint", "--pid", $"{counter.Pid}", "--embedded", "--json");

        outcome.MustExit(Repository);
        Assert.Equal("store-full", outcome.ErrorCode);
        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
        Assert.Empty(await lab.SnapshotsAsync());
    }

    private static FaultPlan Fault(string fault, double scale) => fault.Split(' ') switch
    {
        ["full"] => new FaultPlan { FailAfterBytes = 4 << 20, Full = true },
        ["fails"] => new FaultPlan { FailAfterBytes = 4 << 20 },
        ["fails", "at", var what] => new FaultPlan { FailObject = what },
        ["stalls", "at", var what] => new FaultPlan { StallObject = what, StallLimitSeconds = 1.5 * scale },
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "no such fault"),
    };

    /// <summary>
    /// The checkpoint fails and leaves nothing. On a slow machine a limit may expire before the store was asked at all: then nothing was
    /// shown, and it is tried again with longer ones.
    /// </summary>
    private async Task MustRollBackAsync(Func<double, FaultPlan> plan, int exitCode, string code)
    {
        var scale = 1.0;
        var outcome = await FaultRun.RunAsync(bench.Lab, plan(scale));
        while (outcome.Report?.Fired == 0 && scale < LargestScale)
        {
            scale *= 4;
            outcome = await FaultRun.RunAsync(bench.Lab, plan(scale));
        }

        var error = outcome.MustFail(exitCode, code);
        Assert.True(outcome.Report!.Fired > 0, $"the fault did not strike: {outcome.Outcome}");
        Assert.Equal("running", error.WorkloadState);
        Assert.False(error.SnapshotDurable);
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        Assert.Equal(bench.Before, await bench.Lab.SnapshotsAsync());
        bench.GiveBack();
    }
}
