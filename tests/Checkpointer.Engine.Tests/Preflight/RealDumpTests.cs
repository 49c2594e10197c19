using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

/// <summary>The derived options with the real CRIU: with them it dumps the tree, without them it refuses with the error that we know.</summary>
public sealed class RealDumpTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string, string, string> Trees => new()
    {
        { "a connection", "l = socket.socket()\nl.bind(('127.0.0.1', 0))\nl.listen()\nc = socket.socket()\nc.connect(l.getsockname())\ns, _ = l.accept()", "tcp-connection" },
        { "a lock", "f = open('lock', 'w')\nfcntl.flock(f, fcntl.LOCK_EX)", "file-locks" },
        { "a deleted file", "f = open('gone', 'w')\nf.write('x' * 3000000)\nf.flush()\nos.unlink('gone')", "ghost-file-too-large" },
        { "a deleted file with another name", "f = open('first', 'w')\nos.link('first', 'second')\nos.unlink('first')", "unlinked-file-has-links" },
        { "a unix connection to the outside", "b = outside[0]\noutside[1].close()", "unix-peer-outside" },
        { "a terminal from outside", "os.close(master)\nfcntl.ioctl(slave, termios.TIOCSCTTY, 0)\nfor i in (0, 1, 2): os.dup2(slave, i)", "tty-other-end-outside" },
        { "a terminal and a session from outside", "os.close(master)\nfor i in (0, 1, 2): os.dup2(slave, i)\nif os.fork() > 0:\n    os._exit(0)", "not-session-leader" },
    };

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Trees))]
    public async Task CRIU_wants_the_options_that_were_derived(string what, string body, string codeWithout)
    {
        Assert.NotEmpty(what);
        Assert.SkipWhen(Host.EffectiveUid != 0, "needs root");
        CriuInstallation criu = await FindCriuAsync();
        using PythonProcess python = PythonProcess.Start($$"""
            import os, socket, pty, fcntl, termios, sys, time
            outside = socket.socketpair()
            master, slave = pty.openpty()
            pid = os.fork()
            if pid == 0:
                os.setsid()
                exec({{Quote(body)}}, globals())
                if 'outside' not in {{Quote(body)}}:
                    for o in outside: o.close()
                if 'slave' not in {{Quote(body)}}:
                    os.close(master)
                    os.close(slave)
                with open('part', 'w') as part: part.write(str(os.getpid()))
                os.rename('part', 'ready')
                while True: time.sleep(1)
            while not os.path.exists('ready'): time.sleep(0.01)
            """, _directory.Path);
        int pid = int.Parse(await File.ReadAllTextAsync(_directory.File("ready")), System.Globalization.CultureInfo.InvariantCulture);
        try
        {
            Inspection inspection = WorkloadInspector.Inspect(pid, new InspectOptions());

            CriuResult with = await DumpAsync(criu, pid, inspection.Options);
            CriuResult without = await DumpAsync(criu, pid, new TreeOptions { NetworkLock = "skip", ShellJob = inspection.Options.ShellJob && inspection.Options.External.Count == 0 });

            Assert.True(with.ExitCode == 0, CriuLog.DiagnoseFile(with).ToString());
            Assert.NotEqual(0, without.ExitCode);
            Assert.Equal(codeWithout, CriuLog.DiagnoseFile(without).Code);
            Assert.False(inspection.Verdict.Refuses(force: true));
        }
        finally
        {
            using PidFd? process = PidFd.Open(pid);
            process?.Signal(Signals.Kill);
        }
    }

    // To files instead of a stream: what CRIU thinks of the tree is the same.
    private async Task<CriuResult> DumpAsync(CriuInstallation criu, int pid, TreeOptions options)
    {
        string images = Directory.CreateDirectory(_directory.File("images-" + Guid.NewGuid().ToString("N"))).FullName;
        string empty = Directory.CreateDirectory(Path.Combine(images, "empty")).FullName;
        CriuDumpOptions dump = new() { RootPid = pid, ImagesDirectory = images, WorkDirectory = images, LibraryDirectory = empty, LeaveRunning = true, Tree = options };
        CriuRun run = new()
        {
            Criu = criu,
            Arguments = [.. dump.ToArguments().Where(a => a != "--stream")],
            WorkDirectory = images,
            LogPath = dump.LogPath,
        };
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));
        return await new CriuRunner().RunAsync(run, deadline.Token);
    }

    private static async Task<CriuInstallation> FindCriuAsync()
    {
        string? unpacked = null;
        for (DirectoryInfo? up = new(AppContext.BaseDirectory); up is not null && unpacked is null; up = up.Parent)
        {
            string candidate = Path.Combine(up.FullName, "artifacts/criu/sbin/criu");
            unpacked = File.Exists(candidate) ? candidate : null;
        }

        try
        {
            return await CriuLocator.FindAsync(unpacked, default);
        }
        catch (HostException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    private static string Quote(string text)
    {
        return "'''" + text + "'''";
    }
}
