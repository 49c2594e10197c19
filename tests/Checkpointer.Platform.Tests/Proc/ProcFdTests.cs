using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcFdTests
{
    [Fact]
    public void Flags_are_octal_and_locks_are_kept()
    {
        ProcFdInfo info = ProcFdInfo.Parse("pos:\t12\nflags:\t02102001\nmnt_id:\t29\nino:\t99\nlock:\t1: FLOCK  ADVISORY  WRITE 7 fe:00:99 0 EOF\n");

        Assert.Equal(12, info.Position);
        Assert.Equal(29, info.MountId);
        Assert.True(info.CanWrite);
        Assert.False(info.CanRead);
        Assert.True(info.IsAppendOnly);
        Assert.Single(info.Locks);
    }

    [Fact]
    public void A_path_only_descriptor_neither_reads_nor_writes()
    {
        ProcFdInfo info = ProcFdInfo.Parse("pos:\t0\nflags:\t012000000\nmnt_id:\t29\n");

        Assert.True(info.IsPathOnly);
        Assert.False(info.CanRead);
        Assert.False(info.CanWrite);
    }

    [Fact]
    public void A_pidfd_says_whom_it_points_to_and_a_pty_its_number()
    {
        Assert.Equal(1234, ProcFdInfo.Parse("pos:\t0\nflags:\t02000002\nmnt_id:\t15\nPid:\t1234\nNSpid:\t1234\n").PidFdTarget);
        Assert.Equal(7, ProcFdInfo.Parse("pos:\t0\nflags:\t02\nmnt_id:\t25\ntty-index:\t7\n").TerminalIndex);
    }

    [Fact]
    public void Our_own_descriptors_show_a_file_that_was_deleted()
    {
        string path = Path.Combine(Path.GetTempPath(), "fd-" + Guid.NewGuid().ToString("N"));
        using FileStream file = new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete);
        file.Write(new byte[5000]);
        file.Flush();
        File.Delete(path);

        ProcFd found = Assert.Single(ProcFd.ReadAll(Environment.ProcessId), f => f.Path == path);

        Assert.True(found.IsUnlinkedName);
        Assert.Equal(FileType.Regular, found.Status.Type);
        Assert.Equal(5000, found.Status.Size);
        Assert.Equal(0u, found.Status.Links);
        Assert.True(found.Info.CanRead);
    }

    [Fact]
    public void The_inode_of_a_pipe_is_read_from_its_link()
    {
        ProcFd fd = new() { Fd = 1, Target = "pipe:[12345]", Status = FileStatus.Of("/")!, Info = ProcFdInfo.Parse("") };

        Assert.Equal(12345UL, fd.InodeOf("pipe"));
        Assert.Null(fd.InodeOf("socket"));
        Assert.Null(fd.Path);
    }
}
