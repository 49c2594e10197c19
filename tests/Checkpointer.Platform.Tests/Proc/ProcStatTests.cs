using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcStatTests
{
    private const string Line =
        "31524 (python3) S 1 31524 31524 34816 -1 4194304 3456 120 0 0 12 3 0 0 20 0 2 0 184467 250060800 7000 18446744073709551615 1 1 0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0";

    [Fact]
    public void A_line_gives_its_fields()
    {
        ProcStat stat = ProcStat.Parse(Line);

        Assert.Equal(31524, stat.Pid);
        Assert.Equal("python3", stat.Name);
        Assert.Equal('S', stat.State);
        Assert.Equal(1, stat.ParentPid);
        Assert.Equal(31524, stat.Session);
        Assert.Equal(34816, stat.Terminal);
        Assert.Equal(2, stat.ThreadCount);
        Assert.Equal(184467UL, stat.StartTime);
        Assert.False(stat.IsKernelThread);
        Assert.False(stat.IsZombie);
    }

    [Fact]
    public void A_name_with_parentheses_and_newlines_does_not_shift_the_fields()
    {
        ProcStat stat = ProcStat.Parse(Line.Replace("(python3)", "(a) Z (b\n1 2 3)", StringComparison.Ordinal));

        Assert.Equal("a) Z (b\n1 2 3", stat.Name);
        Assert.Equal('S', stat.State);
        Assert.Equal(184467UL, stat.StartTime);
    }

    [Fact]
    public void A_kernel_thread_is_known_by_its_flag()
    {
        ProcStat stat = ProcStat.Parse("44 (kworker/0:1H) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 0 -20 1 0 95 0 0 18446744073709551615 0 0 0");

        Assert.True(stat.IsKernelThread);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12 no parentheses")]
    [InlineData("12 (x) S 1 2")]
    public void Something_else_is_refused(string text)
    {
        Assert.Throws<FormatException>(() => ProcStat.Parse(text));
    }

    [Fact]
    public void Our_own_stat_can_be_read_and_a_dead_pid_has_none()
    {
        Assert.Equal(Environment.ProcessId, ProcStat.Read(Environment.ProcessId)!.Pid);
        Assert.Null(ProcStat.Read(int.MaxValue));
    }
}
