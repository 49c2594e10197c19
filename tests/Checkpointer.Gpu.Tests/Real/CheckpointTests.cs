using System.Diagnostics;
using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Preflight;

namespace Checkpointer.Gpu.Tests;

/// <summary>Whole checkpoints and restores with real CRIU and simulated GPUs.</summary>
public sealed class CheckpointTests
{
    [Fact]
    public async Task A_process_that_lives_on_keeps_its_gpu_and_leaves_a_snapshot()
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node, mib: 8);
        var result = await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: true), null, CancellationToken.None);
        Assert.True(result.WorkloadRunning);
        sample.AssertGoesOn();
        Assert.Equal((int)CudaState.Running, await bench.StateAsync(sample));
        Assert.InRange(result.BytesCaptured, 16L << 20, long.MaxValue);
        Assert.True(result.Timings.ContainsKey("gpu"));
        Assert.All([result.Gpu!.Survey, result.Gpu.Suspend!, result.Gpu.Resume!], static part => Assert.InRange(part["driver"], 0, part["total"]));
        // Started for the look, and not again while the process waits.
        Assert.DoesNotContain("worker", result.Gpu.Suspend!.Keys);
        Assert.DoesNotContain("worker", result.Gpu.Resume!.Keys);
        Assert.InRange(result.FrozenMs, result.CriuFrozenMs, double.MaxValue);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(bench.Options.StateDirectory, "operations"), "*.json"));
    }

    [Fact]
    public async Task A_process_without_gpus_costs_no_call_and_no_worker()
    {
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node);
        using var process = Process.Start("sleep", "60");
        try
        {
            await using var driver = new GpuDriver(bench.Services);
            var found = await GpuSurvey.RunAsync(
                bench.Services, driver, [WorkloadInspector.Inspect(process.Id, new InspectOptions())], CancellationToken.None);
            Assert.Same(GpuInspection.Nothing, found);
            Assert.Null(driver.Worker);
            Assert.Equal("", node.Control("log"));
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_process_is_ended_and_goes_on_where_it_was()
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node, mib: 8);
        var result = await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: false), null, CancellationToken.None);
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        Assert.Equal("0", node.Control("used 0"));

        var restored = await bench.Engine.RestoreAsync("op-2", bench.Restore(result.Snapshot), null, CancellationToken.None);
        using var tree = new RestoredTree(restored, sample.Log);
        tree.AssertGoesOn();
        Assert.NotEqual("0", node.Control("used 0"));

        // And once more, from the restored one.
        var again = await bench.Engine.CheckpointAsync(
            "op-3", bench.Checkpoint(sample, leaveRunning: false) with { Pid = tree.Pid }, null, CancellationToken.None);
        Assert.Equal(2, again.Generation);
        var third = await bench.Engine.RestoreAsync("op-4", bench.Restore(again.Snapshot), null, CancellationToken.None);
        using var thirdTree = new RestoredTree(third, sample.Log);
        thirdTree.AssertGoesOn();
    }

    [Fact]
    public async Task It_goes_on_another_node_on_other_gpus_in_the_order_that_was_wished()
    {
        Installation.RequireCriu();
        using var here = new SimulatedNode("here");
        using var there = new SimulatedNode("there");
        using var bench = new EngineBench(here);
        using var other = new EngineBench(there, bench);
        await bench.InitAsync();
        using var sample = new Sample(here, mib: 4);
        var result = await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: false), null, CancellationToken.None);
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        var (old, now) = (await UuidsAsync(bench), await UuidsAsync(other));
        Assert.Empty(old.Intersect(now));

        var restored = await other.Engine.RestoreAsync(
            "op-2", bench.Restore(result.Snapshot) with { Gpus = [$"{old[0]}={now[1]}", $"{old[1]}={now[0]}"] }, null, CancellationToken.None);
        using var tree = new RestoredTree(restored, sample.Log);
        tree.AssertGoesOn();
        Assert.NotEqual("0", there.Control("used 0"));
        Assert.Equal("0", here.Control("used 0"));
    }

    [Theory]
    [InlineData("gpu-model", "h200", "gpus=2")]
    [InlineData("gpu-count", "h100", "gpus=1")]
    [InlineData("gpu-memory", "h100", "memory-mib=1000")]
    [InlineData("gpu-driver", "h100", "driver=590.44.01")]
    [InlineData("gpu-driver-too-old", "h100", "cuda=12080")]
    [InlineData("gpu-mig", "a100-mig", "gpus=1")]
    public async Task A_node_that_does_not_fit_is_refused_before_anything_is_touched(string code, string profile, string setting)
    {
        Installation.RequireCriu();
        using var here = new SimulatedNode("here");
        using var there = new SimulatedNode("there", profile, setting);
        using var bench = new EngineBench(here);
        using var other = new EngineBench(there, bench);
        await bench.InitAsync();
        using var sample = new Sample(here);
        var result = await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: true), null, CancellationToken.None);
        there.Control("clear");
        var refused = await Assert.ThrowsAsync<RefusedException>(() => other.Engine.RestoreAsync("op-2", bench.Restore(result.Snapshot), null, CancellationToken.None));
        Assert.Contains(refused.Findings, f => f.Code == code);
        Assert.Equal("", there.Control("log"));
        var preflight = await other.Engine.PreflightSnapshotAsync(bench.Restore(result.Snapshot), CancellationToken.None);
        Assert.Contains(preflight.Findings, f => f.Code == code);
    }

    [Theory]
    [InlineData("gpu-device-without-cuda", "h100", "--fork", "gpus=1")]
    [InlineData("gpu-mig", "a100-mig", "", "gpus=1")]
    [InlineData("gpu-driver-too-old", "h100", "", "cuda=12040")]
    [InlineData("gpu-unhealthy", "h100", "", "recovery-action=1")]
    public async Task A_process_that_cannot_be_checkpointed_is_refused_before_it_is_touched(string code, string profile, string arguments, string setting)
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", profile, setting);
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node, arguments);
        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: true), null, CancellationToken.None));
        Assert.Contains(refused.Findings, f => f.Code == code);
        Assert.DoesNotContain("lock", node.Control("log"), StringComparison.Ordinal);
        sample.AssertGoesOn();
    }

    [Theory]
    [InlineData("gpu-mps", FindingSeverity.Overridable)]
    [InlineData("gpu-driver-missing", FindingSeverity.Blocker)]
    [InlineData("gpu-not-running", FindingSeverity.Blocker)]
    public async Task What_speaks_against_a_checkpoint_is_found_by_looking(string code, FindingSeverity severity)
    {
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node, gpu: code == "gpu-driver-missing" ? node.Options with { CudaLibrary = "/nowhere/libcuda.so.1" } : null);
        using var sample = new Sample(node, before: code == "gpu-mps" ? "export CUDA_MPS_PIPE_DIRECTORY=/tmp/mps;" : "");
        await using var driver = new GpuDriver(bench.Services);
        if (code == "gpu-not-running")
        {
            Assert.True((await driver.LockAsync(sample.ToGpuProcess())).IsDone);
        }

        var found = await GpuSurvey.RunAsync(
            bench.Services, driver, [WorkloadInspector.Inspect(sample.Pid, new InspectOptions())], CancellationToken.None);
        Assert.Contains(found.Findings, f => f.Code == code && f.Severity == severity);
    }

    [Fact]
    public async Task Managed_memory_is_refused_by_the_driver_and_the_process_runs_on()
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node, "--managed");
        var error = await Assert.ThrowsAsync<OperationFailedException>(
            () => bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: false), null, CancellationToken.None));
        Assert.Equal(("gpu-not-supported", WorkloadState.Running), (error.Code, error.Workload));
        sample.AssertGoesOn();
    }

    [Fact]
    public async Task A_restore_whose_gpu_part_fails_leaves_nothing()
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node);
        var result = await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: false), null, CancellationToken.None);
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        node.Control("fault restore before error 999");
        var error = await Assert.ThrowsAsync<OperationFailedException>(
            () => bench.Engine.RestoreAsync("op-2", bench.Restore(result.Snapshot), null, CancellationToken.None));
        Assert.Equal(("gpu-restore-failed", WorkloadState.Gone, true), (error.Code, error.Workload, error.SnapshotDurable));
        Assert.Equal(1, node.Fired);

        var restored = await bench.Engine.RestoreAsync("op-3", bench.Restore(result.Snapshot), null, CancellationToken.None);
        using var tree = new RestoredTree(restored, sample.Log);
        tree.AssertGoesOn();
    }

    [Fact]
    public async Task A_process_that_could_not_be_thawed_is_told_as_loudly_as_lost_data()
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode();
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node);
        node.Control("fault restore before failed 999");
        var error = await Assert.ThrowsAsync<AttentionException>(
            () => bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: true), null, CancellationToken.None));
        Assert.Equal(("gpu-not-resumed", true), (error.Code, error.SnapshotDurable));
        Assert.Contains(sample.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
    }

    private static async Task<List<string>> UuidsAsync(EngineBench bench)
    {
        await using var driver = new GpuDriver(bench.Services);
        return [.. (await driver.DevicesAsync()).Items.Select(static i => i["uuid"])];
    }
}
