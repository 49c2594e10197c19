using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcStatusTests
{
    private const string Text = """
        Name:	python3
        Umask:	0022
        State:	S (sleeping)
        Tgid:	70
        Pid:	31524
        PPid:	1
        TracerPid:	99
        Uid:	1000	1000	1000	1000
        Gid:	1001	1001	1001	1001
        NStgid:	31524	70
        NSpid:	31524	70
        NSsid:	31524	70
        VmSwap:	       4 kB
        RssAnon:	    4264 kB
        RssFile:	    6292 kB
        RssShmem:	      12 kB
        Threads:	2
        CapEff:	000001ffffffffff
        Seccomp:	2
        """;

    [Fact]
    public void Sizes_are_in_bytes_and_pids_go_from_the_outside_in()
    {
        ProcStatus status = ProcStatus.Parse(Text);

        Assert.Equal([31524, 70], status.NamespacePids);
        Assert.Equal(99, status.TracerPid);
        Assert.Equal(1000u, status.Uid);
        Assert.Equal(1001u, status.Gid);
        Assert.Equal(4264L << 10, status.ResidentAnonymous);
        Assert.Equal(12L << 10, status.ResidentShared);
        Assert.Equal(4L << 10, status.Swap);
        Assert.Equal(0x1ffffffffffUL, status.EffectiveCapabilities);
        Assert.Equal(2, status.Seccomp);
    }

    [Theory]
    [InlineData("SigPnd:\t0000000000000100\n", true)]
    [InlineData("ShdPnd:\t0000000000000100\n", true)]
    [InlineData("SigPnd:\t0000000000004000\n", false)]
    [InlineData("", false)]
    public void A_pending_kill_is_seen(string lines, bool killed)
    {
        Assert.Equal(killed, ProcStatus.Parse("Name:\tsh\n" + lines).IsKilled);
    }

    [Fact]
    public void A_zombie_has_no_memory()
    {
        ProcStatus status = ProcStatus.Parse("Name:\tsh\nState:\tZ (zombie)\nPid:\t5\nNSpid:\t5\nThreads:\t1\n");

        Assert.Equal(0, status.ResidentAnonymous);
        Assert.Equal([5], status.NamespacePids);
    }
}
