using System.Globalization;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>The verdict "equal or greater", and the map that is proposed.</summary>
public sealed class GpuVerdictTests
{
    private const long GiB = 1L << 30;

    private static readonly Dictionary<string, string> None = [];

    [Fact]
    public void The_same_gpus_need_no_map()
    {
        var plan = GpuCompatibility.Plan(Record(Device(1), Device(2)), Node(Device(2), Device(1)), None);
        Assert.Null(plan.Map);
        Assert.Empty(plan.Findings);
    }

    [Fact]
    public void Other_gpus_of_the_model_get_a_map_of_all()
    {
        var plan = GpuCompatibility.Plan(Record(Device(1), Device(2)), Node(Device(3), Device(4)), None);
        Assert.Empty(plan.Findings);
        Assert.Equal(2, plan.Map!.Split(',').Length);
        Assert.Contains($"{Id(1)}={Id(3)}", plan.Map);
        Assert.Contains($"{Id(2)}={Id(4)}", plan.Map);
    }

    [Fact]
    public void One_that_is_here_keeps_its_place_and_the_map_names_it_too()
    {
        var plan = GpuCompatibility.Plan(Record(Device(1), Device(2)), Node(Device(3), Device(1)), None);
        Assert.Contains($"{Id(1)}={Id(1)}", plan.Map);
        Assert.Contains($"{Id(2)}={Id(3)}", plan.Map);
    }

    [Fact]
    public void Wishes_overrule_the_proposal()
    {
        var plan = GpuCompatibility.Plan(Record(Device(1), Device(2)), Node(Device(3), Device(4)), new Dictionary<string, string> { [Id(1)] = Id(4) });
        Assert.Equal($"{Id(1)}={Id(4)},{Id(2)}={Id(3)}", plan.Map);
    }

    [Fact]
    public void Unhealthy_and_full_gpus_are_passed_over()
    {
        var node = Node(Device(3), Device(4), Device(5));
        node.Inventory.Gpus[0].RecoveryAction = 1;
        node.Inventory.Gpus[1].MemoryFree = GiB;
        var plan = GpuCompatibility.Plan(Record(Device(1) with { Used = 2 * GiB }), node, None);
        Assert.Equal($"{Id(1)}={Id(5)}", plan.Map);
        Assert.Empty(plan.Findings);
    }

    [Fact]
    public void The_tightest_fit_is_taken_so_that_large_ones_stay()
    {
        var node = Node(Device(3), Device(4));
        node.Inventory.Gpus[0].MemoryFree = 70 * GiB;
        node.Inventory.Gpus[1].MemoryFree = 10 * GiB;
        var plan = GpuCompatibility.Plan(Record(Device(1) with { Used = 5 * GiB }, Device(2) with { Used = 60 * GiB }), node, None);
        Assert.Contains($"{Id(1)}={Id(4)}", plan.Map);
        Assert.Contains($"{Id(2)}={Id(3)}", plan.Map);
    }

    [Fact]
    public void What_does_not_fit_is_named_by_its_reason()
    {
        var record = Record(Device(1), Device(2));
        AssertBlocked("gpu-model", record, Node(Device(3) with { Name = "NVIDIA H200" }, Device(4) with { Name = "NVIDIA H200" }));
        AssertBlocked("gpu-count", record, Node(Device(3)));
        AssertBlocked("gpu-memory", record, Node(Device(3) with { Memory = 40 * GiB }, Device(4) with { Memory = 40 * GiB }));
        AssertBlocked("gpu-capability", record, Node(Device(3) with { Capability = "8.0" }, Device(4) with { Capability = "8.0" }));
        AssertBlocked("gpu-mig", record, Node(Device(3) with { Mig = true }, Device(4) with { Mig = true }));
        AssertBlocked("gpu-none", record, Node());
        AssertBlocked("gpu-driver-too-old", record, Node(Device(3), Device(4)) with { Cuda = 12080 });
        AssertBlocked("gpu-none", record, new GpuNode([], new GpuInventory(), 0, GpuAnswer.Parse("error library text=no driver", [])));
    }

    [Fact]
    public void The_same_gpus_are_restored_by_a_driver_that_knows_no_maps() =>
        Assert.Empty(GpuCompatibility.Plan(Record(Device(1)), Node(Device(1)) with { Cuda = 12080 }, None).Findings);

    [Fact]
    public void Another_driver_can_be_overridden()
    {
        var node = Node(Device(1));
        node.Inventory.Driver = "590.44.01";
        var finding = Assert.Single(GpuCompatibility.Plan(Record(Device(1)), node, None).Findings);
        Assert.Equal(("gpu-driver", FindingSeverity.Overridable, "590.44.01", "580.65.06"), (finding.Code, finding.Severity, finding.Found, finding.Needed));
    }

    [Fact]
    public void A_busy_gpu_can_be_overridden_and_a_larger_one_is_fine()
    {
        var node = Node(Device(3) with { Memory = 141 * GiB });
        node.Inventory.Gpus[0].MemoryFree = GiB;
        var finding = Assert.Single(GpuCompatibility.Plan(Record(Device(1) with { Used = 2 * GiB }), node, None).Findings);
        Assert.Equal(("gpu-memory-busy", FindingSeverity.Overridable), (finding.Code, finding.Severity));
    }

    [Fact]
    public void Wishes_for_gpus_that_are_not_there_are_blocked()
    {
        var plan = GpuCompatibility.Plan(Record(Device(1)), Node(Device(3)), new Dictionary<string, string> { [Id(1)] = Id(9), [Id(8)] = Id(3) });
        Assert.Equal(2, plan.Findings.Count(static f => f is { Code: "gpu-map", Severity: FindingSeverity.Blocker }));
        var other = GpuCompatibility.Plan(Record(Device(1)), Node(Device(3) with { Name = "NVIDIA L4" }), new Dictionary<string, string> { [Id(1)] = Id(3) });
        Assert.Contains(other.Findings, static f => f.Code == "gpu-model");
    }

    [Fact]
    public void A_container_gets_gpus_that_it_has_device_files_of()
    {
        var record = Record(Device(1), Device(2));
        var node = Node(Device(1), Device(2), Device(3), Device(4));
        var plan = GpuCompatibility.Plan(record, node, None, new GpuReach([(record, new HashSet<int> { 1, 3 })]));
        Assert.Equal(new Dictionary<string, string> { [Id(1)] = Id(4), [Id(2)] = Id(2) }, plan.Places);
        Assert.Empty(plan.Findings);

        var few = GpuCompatibility.Plan(record, node, None, new GpuReach([(record, new HashSet<int> { 3 })]));
        var finding = Assert.Single(few.Findings);
        Assert.Equal(("gpu-not-in-container", FindingSeverity.Blocker, "1 x NVIDIA H100 in the new container"), (finding.Code, finding.Severity, finding.Found));

        var wished = GpuCompatibility.Plan(record, node, new Dictionary<string, string> { [Id(1)] = Id(1) }, new GpuReach([(record, new HashSet<int> { 1, 3 })]));
        Assert.Equal(("gpu-not-in-container", FindingSeverity.Overridable), (Assert.Single(wished.Findings).Code, wished.Findings[0].Severity));
    }

    [Fact]
    public void Each_container_of_a_pod_is_held_to_its_own_device_files()
    {
        GpuRecord first = Record(Device(1)), second = Record(Device(2));
        var node = Node(Device(3), Device(4));

        // The second has no choice; the first takes what is left.
        var plan = GpuCompatibility.Plan(
            GpuRecords.Join([first, second])!, node, None, new GpuReach([(first, new HashSet<int> { 0, 1 }), (second, new HashSet<int> { 0 })]));
        Assert.Empty(plan.Findings);
        Assert.Equal(($"{Id(1)}={Id(4)}", $"{Id(2)}={Id(3)}"), (plan.MapFor(first), plan.MapFor(second)));

        // One that both saw must be one that both have.
        var shared = GpuCompatibility.Plan(
            GpuRecords.Join([first, first])!, node, None, new GpuReach([(first, new HashSet<int> { 0, 1 }), (first, new HashSet<int> { 1 })]));
        Assert.Equal($"{Id(1)}={Id(4)}", shared.Map);
    }

    [Fact]
    public void The_device_files_of_a_container_are_told_by_their_names()
    {
        var root = Directory.CreateTempSubdirectory("gpu-root-");
        try
        {
            Assert.Empty(GpuReach.MinorsIn(root.FullName));
            var devices = root.CreateSubdirectory("dev");
            devices.CreateSubdirectory("nvidia-caps");
            foreach (var name in (string[])["nvidia0", "nvidia12", "nvidiactl", "nvidia-uvm", "null", "nvidia-caps/nvidia-cap1"])
            {
                File.WriteAllText(Path.Combine(devices.FullName, name), "");
            }

            Directory.CreateSymbolicLink(Path.Combine(devices.FullName, "nvidia-elsewhere"), "/");
            Assert.Equal([0, 12], GpuReach.MinorsIn(root.FullName).Order());
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static void AssertBlocked(string code, GpuRecord record, GpuNode node) => Assert.Contains(
        GpuCompatibility.Plan(record, node, None).Findings, f => f.Code == code && f.Severity == FindingSeverity.Blocker && f.Remedy.Length > 0);

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"GPU-00000000-0000-0000-0000-{number:x12}");

    private static GpuDevice Device(int number) => new() { Uuid = Id(number), Name = "NVIDIA H100", Memory = 80 * GiB, Capability = "9.0" };

    private static GpuRecord Record(params GpuDevice[] devices) => new()
    {
        Cuda = 13000,
        Driver = "580.65.06",
        Devices = [.. devices],
        Processes = [new GpuRecordProcess { OwnPid = 7, Growth = GiB }],
    };

    private static GpuNode Node(params GpuDevice[] devices) => new(
        devices,
        new GpuInventory
        {
            Driver = "580.65.06",
            Gpus = [.. devices.Select(static (d, i) => new GpuInfo { Index = i, Minor = i, Uuid = d.Uuid, MemoryFree = d.Memory })],
        },
        13000,
        null);
}
