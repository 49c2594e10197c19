using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public class FdsTests
{
    [Fact]
    public void Every_fd_is_close_on_exec_and_blocking()
    {
        using PipePair pipe = Fds.Pipe();
        using SafeFileHandle copy = Fds.Dup(pipe.Reader);
        using SafeFileHandle nothing = Fds.OpenNull();
        Assert.All([pipe.Reader, pipe.Writer, copy, nothing], handle =>
        {
            Assert.True(DescriptorFlags.IsCloseOnExec(handle));
            Assert.False(DescriptorFlags.IsNonBlocking(handle));
        });
    }

    [Fact]
    public void Close_on_exec_and_non_blocking_follow_the_switch()
    {
        using PipePair pipe = Fds.Pipe();
        Fds.SetCloseOnExec(pipe.Reader, on: false);
        Fds.SetNonBlocking(pipe.Reader);
        Assert.False(DescriptorFlags.IsCloseOnExec(pipe.Reader));
        Assert.True(DescriptorFlags.IsNonBlocking(pipe.Reader));
        Fds.SetNonBlocking(pipe.Reader, on: false);
        Assert.False(DescriptorFlags.IsNonBlocking(pipe.Reader));
    }

    [Fact]
    public void An_empty_non_blocking_pipe_would_block_and_a_closed_one_is_at_its_end()
    {
        using PipePair pipe = Fds.Pipe();
        Fds.SetNonBlocking(pipe.Reader);
        byte[] buffer = new byte[8];
        Assert.Equal(Fds.WouldBlock, Fds.TryRead(pipe.Reader, buffer));
        Assert.Equal(Errno.EAGAIN, Assert.Throws<PlatformException>(() => Fds.Read(pipe.Reader, buffer)).Errno);
        Fds.WriteAll(pipe.Writer, [1, 2, 3]);
        Assert.Equal(3, Fds.BytesAvailable(pipe.Reader));
        Assert.Equal(3, Fds.TryRead(pipe.Reader, buffer));
        pipe.Writer.Dispose();
        Assert.Equal(0, Fds.TryRead(pipe.Reader, buffer));
    }

    [Fact]
    public void A_full_non_blocking_pipe_would_block_and_one_without_reader_is_broken()
    {
        using PipePair pipe = Fds.Pipe();
        Fds.SetNonBlocking(pipe.Writer);
        byte[] block = new byte[1 << 20];
        Assert.InRange(Fds.TryWrite(pipe.Writer, block), 1, block.Length - 1);
        Assert.Equal(Fds.WouldBlock, Fds.TryWrite(pipe.Writer, block));
        pipe.Reader.Dispose();
        Assert.Equal(Errno.EPIPE, Assert.Throws<PlatformException>(() => Fds.Write(pipe.Writer, block)).Errno);
    }

    [Fact]
    public void Readability_is_waited_for_with_a_deadline_and_a_token()
    {
        using PipePair pipe = Fds.Pipe();
        Assert.False(Fds.WaitReadable(pipe.Reader, TimeSpan.FromMilliseconds(20), CancellationToken.None));
        using CancellationTokenSource cancelled = new(TimeSpan.FromMilliseconds(20));
        Assert.ThrowsAny<OperationCanceledException>(
            () => Fds.WaitReadable(pipe.Reader, Timeout.InfiniteTimeSpan, cancelled.Token));
        Fds.WriteAll(pipe.Writer, [1]);
        Assert.True(Fds.WaitReadable(pipe.Reader, Timeout.InfiniteTimeSpan, CancellationToken.None));
    }

    [Fact]
    public void A_pipe_grows_to_what_is_asked()
    {
        using PipePair pipe = Fds.Pipe();
        int before = Fds.GetPipeSize(pipe.Reader);
        int wanted = before * 2;
        Assert.InRange(Fds.SetPipeSize(pipe.Reader, wanted), before, wanted); // other pipes of this user may use up the soft limit
        Assert.Equal(Fds.GetPipeSize(pipe.Reader), Fds.GetPipeSize(pipe.Writer));
    }

    [Fact]
    public void A_size_that_is_not_allowed_is_halved_until_it_is()
    {
        if (Host.HasCapability("CAP_SYS_RESOURCE"))
        {
            Assert.Skip("with CAP_SYS_RESOURCE every size is allowed");
        }

        int limit = int.Parse(File.ReadAllText("/proc/sys/fs/pipe-max-size"), CultureInfo.InvariantCulture);
        using PipePair pipe = Fds.Pipe();
        int before = Fds.GetPipeSize(pipe.Reader);
        int granted = Fds.SetPipeSize(pipe.Reader, limit * 8);
        Assert.InRange(granted, before, limit);
        Assert.Equal(granted, Fds.GetPipeSize(pipe.Reader));
    }

    [Fact]
    public void A_pipe_is_not_shrunk_below_its_contents()
    {
        using PipePair pipe = Fds.Pipe();
        int before = Fds.GetPipeSize(pipe.Reader);
        Fds.WriteAll(pipe.Writer, new byte[before]);
        Assert.Equal(before, Fds.SetPipeSize(pipe.Reader, 4096));
    }

    [Fact]
    public void A_missing_file_and_a_NUL_in_a_path_are_refused()
    {
        Assert.Equal(Errno.ENOENT, Assert.Throws<PlatformException>(() => Fds.Open("/nowhere/x", OpenFlags.ReadOnly)).Errno);
        Assert.Throws<ArgumentException>(() => Fds.Open("/etc\0/x", OpenFlags.ReadOnly));
    }

    [Fact]
    public void Directory_and_no_follow_are_what_they_say_on_this_architecture()
    {
        using TempDirectory directory = new();
        File.WriteAllText(directory["file"], "");
        File.CreateSymbolicLink(directory["link"], directory["file"]);
        Assert.Equal(
            Errno.ENOTDIR,
            Assert.Throws<PlatformException>(() => Fds.Open(directory["file"], OpenFlags.Directory)).Errno);
        Assert.Equal(
            Errno.ELOOP,
            Assert.Throws<PlatformException>(() => Fds.Open(directory["link"], OpenFlags.NoFollow)).Errno);
    }
}
