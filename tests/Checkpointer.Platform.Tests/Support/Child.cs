using System.Diagnostics;

namespace Checkpointer.Platform.Tests;

/// <summary>A child process that cannot outlive its test.</summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;

    private Child(Process process)
    {
        _process = process;
    }

    public int Pid => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    public StreamReader Output => _process.StandardOutput;

    public static Child Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return new Child(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start"));
    }

    public static Child Sleeping() => Start("sleep", "60");

    /// <summary>A sleeping child in a network namespace of its own.</summary>
    public static Child InOwnNetwork()
    {
        Child child = Start("unshare", "--net", "sleep", "60");
        Eventually.True(
            () => NamespaceInode.TryOf(child.Pid, "net") is { } inode && inode != NamespaceInode.Of(Environment.ProcessId, "net"),
            "the child has its own network namespace");
        return child;
    }

    /// <summary>Pid of a process that has run, ended and been reaped.</summary>
    public static int DeadPid()
    {
        using Child child = Start("true");
        child.WaitForExit();
        return child.Pid;
    }

    public int WaitForExit()
    {
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(30)), "the child ends");
        return _process.ExitCode;
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
