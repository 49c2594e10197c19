using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public class NamespaceTests
{
    [Fact]
    public void The_inode_is_the_one_of_the_link()
    {
        ulong inode = NamespaceInode.Of(Environment.ProcessId, "pid");
        Assert.Equal($"pid:[{inode}]", ProcLink.Read("/proc/self/ns/pid"));
    }

    [Fact]
    public void A_dead_process_has_no_namespaces()
    {
        int dead = Child.DeadPid();
        Assert.Null(NamespaceInode.TryOf(dead, "net"));
        Assert.Equal(Errno.ESRCH, Assert.Throws<PlatformException>(() => NamespaceInode.Of(dead, "net")).Errno);
    }

    [Fact]
    public void An_unknown_kind_is_a_programming_error() =>
        Assert.Throws<ArgumentException>(() => NamespaceInode.TryOf(1, "../../stat"));

    [Fact]
    public void Code_runs_in_the_other_network_namespace_and_the_caller_stays()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        string? own = ProcLink.Read("/proc/thread-self/ns/net");
        string? inside = NetNamespace.Run(child.Pid, () => ProcLink.Read("/proc/thread-self/ns/net"));
        Assert.Equal(ProcLink.Read($"/proc/{child.Pid}/ns/net"), inside);
        Assert.NotEqual(own, inside);
        Assert.Equal(own, ProcLink.Read("/proc/thread-self/ns/net"));
    }

    [Fact]
    public void A_handle_outlives_the_process()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        ulong inode = NamespaceInode.Of(child.Pid, "net");
        using SafeFileHandle handle = NetNamespace.Open(child.Pid);
        child.Kill();
        Assert.Equal($"net:[{inode}]", NetNamespace.Run(handle, () => ProcLink.Read("/proc/thread-self/ns/net")));
    }

    [Fact]
    public void Exceptions_come_through()
    {
        Need.Root();
        Assert.Equal(
            "here",
            Assert.Throws<InvalidOperationException>(
                () => NetNamespace.Run(Environment.ProcessId, () => throw new InvalidOperationException("here"))).Message);
        Assert.Equal(Errno.ENOENT, Assert.Throws<PlatformException>(() => NetNamespace.Run(Child.DeadPid(), () => { })).Errno);
    }
}
