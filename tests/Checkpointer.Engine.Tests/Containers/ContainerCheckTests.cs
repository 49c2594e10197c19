using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Containers;

/// <summary>What speaks against a placeholder.</summary>
public sealed class ContainerCheckTests
{
    private const ulong Kill = 1 << 5;

    [Theory]
    [InlineData("", "mount-missing")]
    [InlineData("170 141 254:1 /app.conf//deleted /etc/app.conf rw,relatime - ext4 /dev/vda1 rw", "mount-source-deleted")]
    [InlineData("170 141 254:1 /app.conf /etc/app.conf ro,relatime - ext4 /dev/vda1 rw", "mount-read-only")]
    [InlineData("170 141 254:1 /app.conf /etc/app.conf rw,relatime - ext4 /dev/vda1 rw", null)]
    public void A_mount_must_be_there_and_usable(string line, string? code)
    {
        FindingList findings = new();
        ContainerCheck.Mounts(Part(), line.Length == 0 ? [] : [ProcMountInfo.ParseLine(line)], findings);
        Assert.Equal(code is null ? [] : [code], findings.ToVerdict().Findings.Select(f => f.Code));
    }

    [Theory]
    [InlineData(0, Kill, false)]
    [InlineData(1000, 0, false)]
    [InlineData(0, 0, true)]
    [InlineData(1001, 0, true)]
    public void A_placeholder_must_reach_the_workload_with_its_signals(int user, ulong capabilities, bool refused)
    {
        FindingList findings = new();
        ContainerCheck.Signals(Part(), new ProcStatus { Uid = (uint)user, EffectiveCapabilities = capabilities }, findings);
        Assert.Equal(refused ? ["placeholder-cannot-signal"] : [], findings.ToVerdict().Findings.Select(f => f.Code));
    }

    [Fact]
    public void A_snapshot_that_does_not_tell_the_user_is_taken_as_it_is()
    {
        FindingList findings = new();
        ContainerCheck.Signals(Part() with { RootUser = null }, new ProcStatus { Uid = 1 }, findings);
        Assert.Empty(findings.ToVerdict().Findings);
    }

    [Theory]
    [InlineData(true, true, null)]
    [InlineData(false, false, null)]
    [InlineData(null, false, null)]
    [InlineData(true, false, FindingSeverity.Blocker)]
    [InlineData(false, true, FindingSeverity.Overridable)]
    [InlineData(null, true, FindingSeverity.Overridable)]
    public void The_network_must_be_of_the_same_kind(bool? was, bool here, FindingSeverity? severity)
    {
        FindingList findings = new();
        ContainerCheck.Network(Part() with { NodeNetwork = was }, here, findings);
        Assert.Equal(severity is null ? [] : [("network-differs", severity)], findings.ToVerdict().Findings.Select(f => (f.Code, (FindingSeverity?)f.Severity)));
    }

    [Fact]
    public void An_older_snapshot_of_the_nodes_network_is_known_by_what_the_runtime_said()
    {
        FindingList findings = new();
        var part = Part();
        ContainerCheck.Network(part with { Record = part.Record with { Template = new ContainerTemplate { NetworkMode = "node" } } }, false, findings);
        Assert.True(findings.ToVerdict().Refuses(force: true));
    }

    [Theory]
    [InlineData("/pods/1/cache", true)]
    [InlineData("/pods/1/cache/sub", true)]
    [InlineData("/pods/1/cache2", false)]
    [InlineData("/pods/1", false)]
    [InlineData("/", false)]
    public void A_neighbour_shares_a_directory_or_a_part_of_it(string root, bool shares)
    {
        var mount = ProcMountInfo.ParseLine($"170 141 254:1 {root} /cache rw,relatime - ext4 /dev/vda1 rw");
        Assert.Equal(shares, Neighbours.Covers((mount.Device, "/pods/1/cache"), mount));
        Assert.False(Neighbours.Covers((new DeviceNumber(1, 1), "/pods/1/cache"), mount));
    }

    private static ContainerPart Part() => new()
    {
        Record = new ContainerRecord { Id = "c", Name = "c", Pid = 0, Image = "i", Runtime = "containerd" },
        Mounts = [new ContainerMount { Key = "m1", Destination = "/etc/app.conf", FileSystem = "ext4" }],
        RootUser = 1000,
    };
}
