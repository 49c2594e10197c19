namespace Checkpointer.Platform.Tests;

public class ProcessIdentityTests
{
    [Fact]
    public void A_living_process_is_itself()
    {
        using Child child = Child.Sleeping();
        ProcessIdentity? identity = ProcessIdentity.Of(child.Pid);
        Assert.NotNull(identity);
        Assert.True(identity.IsAlive());
        Assert.Equal(identity, ProcessIdentity.Of(child.Pid));
        using PidFd? process = identity.Open();
        Assert.Equal(child.Pid, process?.Pid);
    }

    [Fact]
    public void A_dead_process_has_no_identity()
    {
        using Child child = Child.Sleeping();
        ProcessIdentity identity = ProcessIdentity.Of(child.Pid)!;
        child.Kill();
        Assert.Null(ProcessIdentity.Of(child.Pid));
        Assert.False(identity.IsAlive());
        Assert.Null(identity.Open());
        Assert.Null(ProcessIdentity.Of(0));
        Assert.Null(ProcessIdentity.Of(-5));
    }

    [Fact]
    public void A_later_process_with_the_same_pid_is_another_one()
    {
        using Child child = Child.Sleeping();
        ProcessIdentity now = ProcessIdentity.Of(child.Pid)!;
        ProcessIdentity[] others =
        [
            now with { StartTime = now.StartTime - 1 },
            now with { BootId = "00000000-0000-0000-0000-000000000000" },
            now with { PidNamespace = now.PidNamespace + 1 },
        ];
        Assert.All(others, other =>
        {
            Assert.False(other.IsAlive());
            Assert.Null(other.Open());
        });
    }

    [Fact]
    public void A_zombie_is_not_alive()
    {
        // The shell starts a child that ends at once, and does not reap it because it has become sleep.
        using Child parent = Child.Start("sh", "-c", "true & exec sleep 60");
        int zombie = 0;
        Eventually.True(
            () =>
            {
                string children = ProcText.TryRead($"/proc/{parent.Pid}/task/{parent.Pid}/children") ?? "";
                return int.TryParse(children.Trim(), out zombie) && ProcStat.Read(zombie)?.IsZombie == true;
            },
            "there is a zombie");
        Assert.Null(ProcessIdentity.Of(zombie));
    }
}
