using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcMountInfoTests
{
    [Fact]
    public void A_line_with_optional_fields_is_parsed()
    {
        ProcMountInfo mount = ProcMountInfo.ParseLine(@"36 35 98:0 /mnt1 /mnt\0402 rw,noatime shared:1 master:2 - tmpfs tmp\040fs rw,errors=continue");

        Assert.Equal(36, mount.Id);
        Assert.Equal(35, mount.ParentId);
        Assert.Equal(new DeviceNumber(98, 0), mount.Device);
        Assert.Equal("/mnt1", mount.FileSystemRoot);
        Assert.Equal("/mnt 2", mount.MountPoint);
        Assert.Equal(["shared:1", "master:2"], mount.Propagation);
        Assert.True(mount.IsTmpfs);
        Assert.Equal("tmp fs", mount.Source);
    }

    [Fact]
    public void A_line_without_optional_fields_is_parsed()
    {
        ProcMountInfo mount = ProcMountInfo.ParseLine("1 0 254:0 / / rw - ext4 /dev/root rw");

        Assert.Empty(mount.Propagation);
        Assert.Equal("ext4", mount.FileSystem);
        Assert.False(mount.IsTmpfs);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 0 254:0 / / rw")]
    [InlineData("1 0 254 / / rw - ext4 x rw")]
    public void Something_else_is_refused(string line)
    {
        Assert.Throws<FormatException>(() => ProcMountInfo.ParseLine(line));
    }

    [Fact]
    public void Our_own_root_is_among_our_mounts()
    {
        Assert.Contains(ProcMountInfo.ReadAll(Environment.ProcessId), m => m.MountPoint == "/");
    }
}
