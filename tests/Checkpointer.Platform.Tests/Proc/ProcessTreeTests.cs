using System.Diagnostics;
using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcessTreeTests
{
    [Fact]
    public void A_tree_has_its_root_first_and_all_descendants()
    {
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sh -c 'sleep 600; :' & sleep 600; :"]))!;
        try
        {
            ProcessTree tree = WaitFor(shell.Id, 4);

            Assert.Equal(shell.Id, tree.Root.Pid);
            Assert.Equal(shell.Id, tree.Processes[0].Pid);
            Assert.Equal(4, tree.Processes.Count);
            Assert.All(tree.Processes.Skip(1), p => Assert.True(tree.Contains(p.Stat.ParentPid)));
            Assert.Equal([shell.Id], tree.Root.Threads);
            Assert.False(tree.Contains(Environment.ProcessId));
        }
        finally
        {
            shell.Kill(entireProcessTree: true);
            shell.WaitForExit();
        }
    }

    [Fact]
    public void Threads_of_a_process_are_listed()
    {
        ProcessInfo own = ProcessInfo.Read(Environment.ProcessId)!;

        Assert.Contains(Environment.ProcessId, own.Threads);
        Assert.True(own.Threads.Count > 1);
    }

    [Fact]
    public void A_dead_pid_has_no_tree()
    {
        Assert.Null(ProcessTree.Read(int.MaxValue));
    }

    [Fact]
    public void The_inode_of_a_namespace_is_read()
    {
        Assert.Equal(4026531836UL, ProcLink.ParseNamespace("pid:[4026531836]"));
        Assert.NotEqual(0UL, ProcLink.Namespace(Environment.ProcessId, "pid"));
        Assert.Equal(0UL, ProcLink.Namespace(int.MaxValue, "pid"));
    }

    private static ProcessTree WaitFor(int pid, int processes)
    {
        Stopwatch deadline = Stopwatch.StartNew();
        while (true)
        {
            ProcessTree tree = ProcessTree.Read(pid)!;
            if (tree.Processes.Count == processes || deadline.Elapsed > TimeSpan.FromSeconds(60))
            {
                return tree;
            }

            Thread.Sleep(20);
        }
    }
}
