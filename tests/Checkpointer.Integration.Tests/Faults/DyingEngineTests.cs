namespace Checkpointer.Integration.Tests;

/// <summary>The engine is killed (SIGKILL) at every point of a checkpoint: the workload runs on, and the next start tidies up.</summary>
public sealed class DyingEngineTests(FaultBench bench) : IClassFixture<FaultBench>
{
    private const string RolledBack = "rolled-back";
    private const string DurableAndRunning = "durable-and-running";

    /// <summary>Where it dies, whether the workload was to run on, and what the next start must call it (null: there was nothing to recover).</summary>
    public static TheoryData<string, bool, string?> Deaths => new()
    {
        { "phase inspect", false, null },
        { "phase prepare", false, null },
        { "phase dump", false, RolledBack },
        { "bytes 1000000", false, RolledBack },
        { "before packs/", false, RolledBack },
        { "after packs/", false, RolledBack },
        { "phase commit", false, RolledBack },
        { "before maps/", false, RolledBack },
        { "after maps/", false, RolledBack },
        { "before snapshots/", false, RolledBack },
        { "after snapshots/", false, DurableAndRunning },
        { "phase dump", true, RolledBack },
        { "phase thaw", true, RolledBack },
        { "phase commit", true, RolledBack },
        { "before snapshots/", true, RolledBack },
        { "after snapshots/", true, DurableAndRunning },
    };

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task A_workload_outlives_an_engine_that_is_killed(string where, bool leaveRunning, string? recoveredAs)
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, Death(where) with { Checkpoint = bench.Checkpoint(leaveRunning) })).MustBeKilled();
        var recovered = await FaultRun.RecoverAsync(bench.Lab);

        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        Assert.Equal(recoveredAs, recovered.SingleOrDefault()?.Outcome);
        var made = (await bench.Lab.SnapshotsAsync()).Except(bench.Before).ToList();
        if (recoveredAs == DurableAndRunning)
        {
            // A snapshot that its workload outlived must not bring back a second copy by itself.
            Assert.Equal(!leaveRunning, Assert.Single(made).Superseded);
        }
        else
        {
            Assert.Empty(made);
        }

        bench.GiveBack();
    }

    [Fact]
    public async Task A_workload_that_ended_is_in_its_snapshot_when_the_engine_is_killed_right_after()
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, Death("phase end") with { Checkpoint = bench.Checkpoint() })).MustBeKilled();
        var recovered = Assert.Single(await FaultRun.RecoverAsync(bench.Lab));

        Assert.Equal("durable-and-gone", recovered.Outcome);
        await bench.Lab.MustBeCleanAsync();
        Assert.False(Processes.IsAlive(bench.Counter.Pid));
        await bench.Lab.MustRestoreAsync(bench.Counter, recovered.Snapshot!);
    }

    [Fact]
    public async Task The_command_line_recovers_what_a_killed_one_left_and_says_so()
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, Death("after maps/") with { Checkpoint = bench.Checkpoint() })).MustBeKilled();
        Assert.Single(bench.Lab.JournalEntries());

        var outcome = (await bench.Lab.CheckpointerAsync("preflight", "--pid", $"{bench.Counter.Pid}", "--embedded")).MustSucceed();

        Assert.Contains("recovered checkpoint", outcome.Stderr, StringComparison.Ordinal);
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        bench.GiveBack();
    }

    [Fact]
    public async Task A_superseded_snapshot_is_not_restored_as_the_latest()
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, Death("after snapshots/") with { Checkpoint = bench.Checkpoint() })).MustBeKilled();
        var recovered = Assert.Single(await FaultRun.RecoverAsync(bench.Lab));

        var lineage = recovered.Snapshot!.Split('-')[0];
        (await bench.Lab.CheckpointerAsync("restore", "--latest", lineage, "--embedded", "--json")).MustExit(3);

        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        bench.GiveBack();
    }

    /// <summary>"phase P", "before PREFIX", "after PREFIX" or "bytes N".</summary>
    private static FaultPlan Death(string where)
    {
        var (kind, what) = (where.Split(' ')[0], where.Split(' ')[1]);
        return kind switch
        {
            "phase" => new FaultPlan { DieAtPhase = what },
            "before" => new FaultPlan { DieBeforeObject = what },
            "after" => new FaultPlan { DieAfterObject = what },
            _ => new FaultPlan { DieAfterBytes = long.Parse(what, System.Globalization.CultureInfo.InvariantCulture) },
        };
    }
}
