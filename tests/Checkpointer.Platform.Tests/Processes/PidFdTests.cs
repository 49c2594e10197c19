using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public class PidFdTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_dead_pid_is_refused() => Assert.Null(PidFd.Open(Child.DeadPid()));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void A_number_that_is_no_pid_is_refused(int pid) => Assert.Null(PidFd.Open(pid));

    [Fact]
    public void A_thread_is_no_process()
    {
        int own = Environment.ProcessId;
        int thread = Directory.GetDirectories("/proc/self/task")
            .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))
            .First(id => id != own);
        Assert.Null(PidFd.Open(thread));
    }

    [Fact]
    public void The_end_of_a_process_is_seen_and_signals_say_that_it_is_gone()
    {
        using Child child = Child.Sleeping();
        using PidFd? process = PidFd.Open(child.Pid);
        Assert.NotNull(process);
        Assert.True(DescriptorFlags.IsCloseOnExec(process.Handle));
        Assert.False(process.HasExited);
        Assert.False(process.WaitExit(TimeSpan.FromMilliseconds(20), CancellationToken.None));
        Assert.True(process.Signal(0));
        Assert.True(Signals.Send(process, Signals.Terminate));
        Assert.True(process.WaitExit(Patience, CancellationToken.None));
        Assert.Equal(128 + Signals.Terminate, child.WaitForExit());
        Eventually.True(() => !process.Signal(0), "the process is reaped");
        Assert.True(process.HasExited);
        Assert.False(Signals.Send(process, Signals.Kill));
    }

    [Fact]
    public void Waiting_for_the_end_can_be_cancelled()
    {
        using Child child = Child.Sleeping();
        using PidFd? process = PidFd.Open(child.Pid);
        using CancellationTokenSource cancelled = new(TimeSpan.FromMilliseconds(20));
        Assert.ThrowsAny<OperationCanceledException>(() => process!.WaitExit(Timeout.InfiniteTimeSpan, cancelled.Token));
    }

    [Fact]
    public void A_fd_of_another_process_is_duplicated_with_the_same_file_behind_it()
    {
        using Child child = Child.Sleeping();
        using PidFd? process = PidFd.Open(child.Pid);
        using SafeFileHandle input = process!.DuplicateFd(0);
        Assert.True(DescriptorFlags.IsCloseOnExec(input));
        Assert.Equal(
            ProcLink.Read($"/proc/{child.Pid}/fd/0"),
            ProcLink.Read($"/proc/self/fd/{input.DangerousGetHandle()}"));
        Assert.Equal(Errno.EBADF, Assert.Throws<PlatformException>(() => process.DuplicateFd(9999)).Errno);
        child.Kill();
        Assert.Equal(Errno.ESRCH, Assert.Throws<PlatformException>(() => process.DuplicateFd(0)).Errno);
    }

    [Fact]
    public void Signals_have_names()
    {
        Assert.Equal("SIGKILL", Signals.Name(Signals.Kill));
        Assert.Equal("SIGWINCH", Signals.Name(Signals.WindowChange));
        Assert.Equal("SIGCHLD", Signals.Name(Signals.Child));
        Assert.Equal("signal 40", Signals.Name(40));
    }
}
