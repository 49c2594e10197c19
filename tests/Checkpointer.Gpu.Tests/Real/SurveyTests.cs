using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary>What the look at one or several trees finds, before anything is touched.</summary>
public sealed class SurveyTests
{
    private const int GuestOfHypervisor = 2; // NVML_GPU_VIRTUALIZATION_MODE_VGPU

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)] // passed through whole
    [InlineData(GuestOfHypervisor, true)]
    public async Task A_part_of_a_gpu_that_a_hypervisor_made_is_refused(int mode, bool refused)
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1", $"virtualization={mode}");
        using var bench = new EngineBench(node);
        using var sample = new Sample(node);
        var found = await LookAsync(bench, sample);
        Assert.Equal(refused, found.Findings.Any(static f => f is { Code: "gpu-virtual", Severity: FindingSeverity.Blocker, Found: "a vGPU" }));
        Assert.DoesNotContain("lock", node.Control("log"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("probe")]
    [InlineData("state")]
    public async Task A_process_of_which_the_driver_says_nothing_is_refused(string verb)
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        using var sample = new Sample(node);
        node.Control($"fault {verb} before error 999");
        var finding = Assert.Single((await LookAsync(bench, sample)).Findings, static f => f.Code == "gpu-silent");
        Assert.Equal(FindingSeverity.Blocker, finding.Severity);
        Assert.Contains("(999)", finding.Found, StringComparison.Ordinal);
        Assert.Equal(1, node.Fired);
        sample.AssertGoesOn();
    }

    [Fact]
    public async Task A_stopped_process_is_refused_because_the_driver_waits_for_it()
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        using var sample = new Sample(node);
        using var process = sample.Identity.Open()!;
        process.Signal(Signals.Stop);
        Sample.Wait(() => ProcStat.Read(sample.Pid)?.State == 'T', "the stop");
        var finding = Assert.Single((await LookAsync(bench, sample)).Findings, static f => f.Code == "gpu-silent");
        Assert.Equal(FindingSeverity.Blocker, finding.Severity);
        Assert.Contains("did not answer", finding.Found, StringComparison.Ordinal);
        process.Signal(Signals.Continue);
        sample.AssertGoesOn();
    }

    [Fact]
    public async Task Several_processes_with_nccl_are_told_how_they_must_have_been_launched()
    {
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);

        // Any library: what counts is the name under which it is mapped.
        var library = Path.Combine(node.Folder, "libnccl.so.2");
        File.Copy(Path.Combine(Path.GetDirectoryName(Installation.Sample)!, "libnvidia-ml.so.1"), library);
        using var with = new Sample(node, mib: 2, before: $"export LD_PRELOAD='{library}';");
        Assert.DoesNotContain((await LookAsync(bench, with)).Findings, static f => f.Code == "gpu-nccl");

        using var other = new Sample(node, mib: 2);
        var finding = Assert.Single((await LookAsync(bench, with, other)).Findings, static f => f.Code == "gpu-nccl");
        Assert.Equal(("2 CUDA processes", FindingSeverity.Note), (finding.Subject, finding.Severity));
    }

    [Fact]
    public async Task Each_tree_has_its_own_processes_and_gpus_of_what_was_found()
    {
        using var node = new SimulatedNode("a", "h100", "gpus=2");
        using var bench = new EngineBench(node);
        using var first = new Sample(node, mib: 2, before: "export CUDA_VISIBLE_DEVICES=0;");
        using var second = new Sample(node, mib: 4);

        var found = await LookAsync(bench, first, second);

        Assert.DoesNotContain(found.Findings, static f => f.Severity != FindingSeverity.Note);
        Assert.Equal([(first.Pid, 0), (second.Pid, 1)], found.Processes.Select(static p => (p.Pid, p.Tree)));
        Assert.Equal([6L << 20, 4L << 20], found.Devices.Select(static d => d.Used));
        Assert.Equal([2L << 20], found.Of(0).Devices.Select(static d => d.Used));
        Assert.Equal([4L << 20, 4L << 20], found.Of(1).Devices.Select(static d => d.Used));
        Assert.Equal([first.Pid], found.Of(0).Processes.Select(static p => p.Pid));
        Assert.Empty(found.Of(2).Processes);
        Assert.Equal((10L << 20, 2L << 20, 8L << 20), (found.DeviceBytes, found.Of(0).DeviceBytes, found.Of(1).DeviceBytes));
    }

    private static async Task<GpuInspection> LookAsync(EngineBench bench, params Sample[] trees)
    {
        await using var driver = new GpuDriver(bench.Services);
        return await GpuSurvey.RunAsync(
            bench.Services, driver, [.. trees.Select(static s => WorkloadInspector.Inspect(s.Pid, new InspectOptions()))], TestContext.Current.CancellationToken);
    }
}
