using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Preflight;

namespace Checkpointer.Gpu.Tests;

/// <summary>NVML is not there, or does not say how much device memory each process holds: what bounds that from above takes its place.</summary>
public sealed class UntoldMemoryTests
{
    [Fact]
    public async Task Without_nvml_a_process_may_hold_all_of_the_gpus_that_it_sees()
    {
        using var node = new SimulatedNode("a", "h100", "gpus=2", "memory-mib=1000");
        using var bench = new EngineBench(node, gpu: WithoutNvml(node));
        using var sample = new Sample(node, mib: 2);
        using var other = new Sample(node, mib: 2, before: "export CUDA_VISIBLE_DEVICES=1;");
        var processes = (await LookAsync(bench, sample, other)).Processes;
        Assert.Equal([(0L, 2000L << 20), (0, 1000L << 20)], processes.Select(static p => (p.DeviceBytes, p.DeviceBytesAtMost)));
        Assert.Equal(2000L << 20, processes[0].ToJournal().DeviceBytes);
    }

    [Fact]
    public async Task Where_nvml_tells_no_figure_of_each_it_may_hold_what_is_in_use()
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1", "process-memory=0");
        using var bench = new EngineBench(node);
        using var sample = new Sample(node, mib: 2);
        using var other = new Sample(node, mib: 4);
        Assert.Equal((0L, 6L << 20), Known(Assert.Single((await LookAsync(bench, sample)).Processes)));
    }

    [Fact]
    public async Task Where_nvml_tells_it_holds_what_nvml_tells()
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        using var sample = new Sample(node, mib: 2);
        using var other = new Sample(node, mib: 4);
        Assert.Equal((2L << 20, 2L << 20), Known(Assert.Single((await LookAsync(bench, sample)).Processes)));
    }

    [Theory]
    [InlineData("8000000", true)] // MiB: 8 TB, more than any host here has
    [InlineData("64", false)]
    public async Task That_the_host_may_have_too_little_memory_for_it_is_a_note(string mib, bool told)
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1", $"memory-mib={mib}");
        using var bench = new EngineBench(node, gpu: WithoutNvml(node));
        using var sample = new Sample(node, mib: 2);
        var found = (await LookAsync(bench, sample)).Findings.Where(static f => f.Code == "gpu-host-memory").ToList();
        Assert.Equal(told ? [FindingSeverity.Note] : [], found.Select(static f => f.Severity));
        Assert.All(found, static f => Assert.Contains("at most", f.Needed, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copy_that_takes_longer_than_a_call_may_is_waited_for()
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", "h100", "gpus=1", "copy-mib-per-second=1");
        using var bench = new EngineBench(node, gpu: WithoutNvml(node) with { CallLimit = TimeSpan.FromSeconds(8) });
        await bench.InitAsync();
        using var sample = new Sample(node, mib: 11); // 11 s, where a call may take 8
        var result = await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(sample, leaveRunning: true), null, TestContext.Current.CancellationToken);
        Assert.InRange(result.Gpu!.Suspend!["driver"], bench.Options.Gpu.CallLimit.TotalMilliseconds, double.MaxValue);
        sample.AssertGoesOn();
    }

    private static GpuOptions WithoutNvml(SimulatedNode node) => node.Options with { NvmlLibrary = "/nowhere/libnvidia-ml.so.1" };

    private static (long, long) Known(GpuProcess process) => (process.DeviceBytes, process.DeviceBytesAtMost);

    private static async Task<GpuInspection> LookAsync(EngineBench bench, params Sample[] trees)
    {
        await using var driver = new GpuDriver(bench.Services);
        return await GpuSurvey.RunAsync(
            bench.Services, driver, [.. trees.Select(static s => WorkloadInspector.Inspect(s.Pid, new InspectOptions()))], TestContext.Current.CancellationToken);
    }
}
