using System.Diagnostics;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

public sealed class TargetTests
{
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_pid_that_is_none_is_refused(int pid)
    {
        Assert.Equal("pid-not-found", Refusal(pid).Code);
    }

    [Fact]
    public void A_dead_pid_is_refused()
    {
        int pid;
        using (ChildProcess child = ChildProcess.Sleeping())
        {
            pid = child.Pid;
        }

        UsageException error = Refusal(pid);

        Assert.Equal("pid-not-found", error.Code);
        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.NotNull(error.Remedy);
    }

    [Fact]
    public void A_kernel_thread_is_refused()
    {
        if (ProcStat.Read(2) is not { IsKernelThread: true })
        {
            Assert.Skip("kernel threads are not visible in this pid namespace");
        }

        Assert.Equal("pid-is-kernel-thread", Refusal(2).Code);
    }

    [Fact]
    public void A_zombie_is_refused()
    {
        // The shell starts a child that ends, and becomes a program that never waits for it.
        using Process parent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sh -c : & echo $!; exec sleep 600"]) { RedirectStandardOutput = true })!;
        try
        {
            int pid = int.Parse(parent.StandardOutput.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
            SpinWait.SpinUntil(() => ProcStat.Read(pid) is { IsZombie: true }, TimeSpan.FromSeconds(60));

            Assert.Equal("pid-is-zombie", Refusal(pid).Code);
            Assert.Contains(WorkloadInspector.Inspect(parent.Id, new InspectOptions()).Verdict.Findings, f => f.Code == "zombie");
        }
        finally
        {
            parent.Kill();
            parent.WaitForExit();
        }
    }

    [Fact]
    public void We_ourselves_and_our_ancestors_are_refused()
    {
        Assert.Equal("pid-is-own-ancestor", Refusal(Environment.ProcessId).Code);
        Assert.Equal("pid-is-own-ancestor", Refusal(ProcStat.Read(Environment.ProcessId)!.ParentPid).Code);
    }

    private static UsageException Refusal(int pid)
    {
        return Assert.Throws<UsageException>(() => WorkloadInspector.Inspect(pid, new InspectOptions()));
    }
}
