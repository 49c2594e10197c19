using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>An image of any size goes through buffers of a fixed size, in both directions, and nothing goes to local disk.</summary>
public sealed class BoundedMemoryTests
{
    /// <summary>Program, runtime, stacks and everything else that is not the budget: 450 MiB less the 256 MiB of the large case. Bytes.</summary>
    private const long Overhead = 194L << 20;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    [Fact]
    public Task A_process_far_larger_than_the_budget_stays_within_it() => MustStayWithinAsync(mebibytes: 700, budget: 64);

    [Fact]
    [Trait("Length", "Long")]
    public Task A_process_of_six_gibibytes_stays_within_450_mebibytes() => MustStayWithinAsync(mebibytes: 6144, budget: 256);

    [Fact]
    public async Task A_second_checkpoint_stays_within_the_same_budget()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var drift = await DriftWorkload.StartAsync(lab, 400);
        string[] arguments = ["checkpoint", "--pid", $"{drift.Pid}", "--memory", "64M"];
        await MeteredAsync(lab, 64, [.. arguments, "--leave-running"]);
        await drift.ChangeAsync(drift.Pid);

        var second = await MeteredAsync(lab, 64, arguments);

        Assert.True(second.GetProperty("bytesReused").GetInt64() > 300L << 20);
    }

    [Fact]
    public async Task The_state_directory_may_be_smaller_than_the_image()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        await lab.MountTmpfsAsync(lab.StateDirectory, "8m");
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 64);

        var snapshot = await lab.CheckpointAsync(counter.Pid);
        Assert.True(snapshot.BytesCaptured > 64L << 20);
        await lab.MustRestoreAsync(counter, snapshot.Id);

        Assert.InRange(Used(lab.StateDirectory), 0, 7L << 20);
    }

    private static async Task MustStayWithinAsync(int mebibytes, int budget)
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        if (!File.Exists(Installation.Filler))
        {
            Assert.Skip("no artifacts/workloads/fill: scripts/test.sh compiles it");
        }

        var status = Path.Combine(lab.Directory, "status");
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "fill.out"), Installation.Filler, status, mebibytes.ToString(CultureInfo.InvariantCulture));
        await Eventually.TrueAsync("a full workload", StartLimit, () => LineStatus.Read(status)?["ready"] == "1");
        var memory = $"{budget}M";

        var snapshot = await MeteredAsync(lab, budget, "checkpoint", "--pid", $"{pid}", "--memory", memory);
        var restored = await MeteredAsync(lab, budget, "restore", snapshot.GetProperty("snapshot").GetString()!, "--memory", memory);

        var root = restored.GetProperty("pid").GetInt32();
        lab.Track(root);
        // All of its memory, checked by itself.
        Signals.Send(root, CheckAll);
        var passed = await LineStatus.MustGrowAsync(status, "passes", StartLimit);
        Assert.Equal(0, passed.Number("errors"));
    }

    private static async Task<System.Text.Json.JsonElement> MeteredAsync(Lab lab, int budget, params string[] arguments)
    {
        await using var meter = new MemoryMeter(lab);
        var outcome = await lab.RunAsync(Installation.Checkpointer, [.. arguments, "--embedded", "--json"], Limit);
        outcome.MustSucceed();
        Assert.True(meter.Looks > 5, $"the meter saw only {meter.Looks} moments");
        Assert.True(
            meter.Peak < ((long)budget << 20) + Overhead,
            $"{arguments[0]} with a budget of {budget} MiB took {meter.Peak >> 20} MiB at its peak, seen in {meter.Looks} looks");
        TestContext.Current.TestOutputHelper?.WriteLine($"{arguments[0]}: peak {meter.Peak >> 20} MiB, {outcome.Elapsed.TotalSeconds:F1} s");
        return outcome.Json;
    }

    private static long Used(string mount)
    {
        var drive = new DriveInfo(mount);
        return drive.TotalSize - drive.TotalFreeSpace;
    }

    /// <summary>SIGUSR1: the filler checks everything now.</summary>
    private const int CheckAll = 10;
}
