namespace Checkpointer.Platform.Tests;

public class MountTests
{
    [Fact]
    public void A_tmpfs_is_mounted_with_its_size_and_mode_and_unmounted()
    {
        Need.Root();
        using TempDirectory directory = new();
        Assert.False(Mounts.IsMountPoint(directory.Path));
        Mounts.MountTmpfs(directory.Path, 8 << 20, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            Assert.True(Mounts.IsMountPoint(directory.Path));
            Assert.True(FileSystems.IsTmpfs(directory.Path));
            Assert.Equal(8 << 20, FileSystems.Size(directory.Path));
            Assert.InRange(FileSystems.Free(directory.Path), 1, 8 << 20);
            Assert.Equal("700", Convert.ToString((int)File.GetUnixFileMode(directory.Path), 8));
            string options = ProcMountInfo.ReadAll(Environment.ProcessId).Single(mount => mount.MountPoint == directory.Path).Options;
            Assert.Contains("nosuid", options, StringComparison.Ordinal);
            Assert.Contains("nodev", options, StringComparison.Ordinal);
            using (File.Create(directory["held"]))
            {
                Assert.Equal(Errno.EBUSY, Assert.Throws<PlatformException>(() => Mounts.Unmount(directory.Path)).Errno);
                Mounts.Unmount(directory.Path, detach: true);
            }

            Assert.False(Mounts.IsMountPoint(directory.Path));
        }
        finally
        {
            if (Mounts.IsMountPoint(directory.Path))
            {
                Mounts.Unmount(directory.Path, detach: true);
            }
        }
    }

    [Fact]
    public void What_is_not_mounted_cannot_be_unmounted()
    {
        Need.Root();
        using TempDirectory directory = new();
        Assert.Equal(Errno.EINVAL, Assert.Throws<PlatformException>(() => Mounts.Unmount(directory.Path)).Errno);
    }

    [Fact]
    public void Proc_is_a_mount_and_no_tmpfs()
    {
        Assert.True(Mounts.IsMountPoint("/proc"));
        Assert.False(FileSystems.IsTmpfs("/proc"));
        Assert.False(Mounts.IsMountPoint("/nowhere"));
        Assert.Equal(Errno.ENOENT, Assert.Throws<PlatformException>(() => FileSystems.IsTmpfs("/nowhere")).Errno);
    }
}
