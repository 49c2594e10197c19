using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

public sealed class OutsideEndTests : IDisposable
{
    // The body runs in a child with its own session; the parent keeps the other ends and is no part of the tree.
    private const string Imports = "import os, socket, pty, fcntl, termios, sys, time\n";

    private const string InChild = """

        pid = os.fork()
        if pid == 0:
            os.setsid()
            exec(body, globals())
            open('part', 'w').write(str(os.getpid()))
            os.rename('part', 'ready')
            time.sleep(600)
        while not os.path.exists('ready'): time.sleep(0.01)

        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Fact]
    public void Standard_input_and_output_with_outside_ends_are_notes_with_keys()
    {
        using PythonProcess python = PythonProcess.Start("", _directory.Path);
        string input = ProcLink.Read($"/proc/{python.Pid}/fd/0")!;
        string output = ProcLink.Read($"/proc/{python.Pid}/fd/1")!;

        Inspection inspection = python.Inspect();

        StdioEnd stdin = Assert.Single(inspection.OutsideEnds, e => e.IsFd(0));
        StdioEnd stdout = Assert.Single(inspection.OutsideEnds, e => e.IsFd(1));
        Assert.Equal((StdioKind.Pipe, StdioDirection.Read, input), (stdin.Kind, stdin.Direction, stdin.Key));
        Assert.Equal((StdioKind.Pipe, StdioDirection.Write, output), (stdout.Kind, stdout.Direction, stdout.Key));
        Assert.All(inspection.OutsideEnds, e => Assert.True(e.HasPlausibleKey));
        Assert.False(inspection.Verdict.Refuses(force: false));
    }

    [Fact]
    public void A_pipe_inside_the_tree_is_no_outside_end()
    {
        Inspection inspection = InspectTree("pass", "r, w = os.pipe()\nif os.fork() == 0: time.sleep(600)");

        Assert.DoesNotContain(inspection.OutsideEnds, e => e.Descriptors.Any(d => d.Fd > 2));
    }

    [Fact]
    public void A_pipe_that_the_tree_reads_from_outside_refuses_unless_forced()
    {
        Inspection inspection = InspectTree("r, w = os.pipe()", "os.close(w)");

        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "pipe-other-end-outside", Severity: FindingSeverity.Overridable });
        Assert.True(inspection.Verdict.Refuses(force: false));
        Assert.False(inspection.Verdict.Refuses(force: true));
    }

    [Fact]
    public void A_pipe_that_the_tree_only_writes_to_is_a_note()
    {
        Inspection inspection = InspectTree("r, w = os.pipe()", "os.close(r)");

        Assert.Contains(inspection.OutsideEnds, e => e.Direction == StdioDirection.Write && e.Descriptors[0].Fd > 2);
        Assert.False(inspection.Verdict.Refuses(force: false));
    }

    [Fact]
    public void A_pipe_whose_other_end_nobody_has_is_none()
    {
        Inspection inspection = InspectTree("pass", "r, w = os.pipe()\nos.close(w)");

        Assert.DoesNotContain(inspection.Verdict.Findings, f => f.Code == "pipe-other-end-outside" && f.Severity == FindingSeverity.Overridable);
    }

    [Fact]
    public void A_unix_connection_to_the_outside_is_an_external()
    {
        Inspection inspection = InspectTree("a, b = socket.socketpair()", "a.close()");

        StdioEnd end = Assert.Single(inspection.OutsideEnds, e => e.Kind == StdioKind.UnixSocket);
        string inode = end.Key["socket:[".Length..^1];
        Assert.Contains($"unix[{inode}]", inspection.Options.External);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "unix-peer-outside", Severity: FindingSeverity.Overridable });
    }

    [Fact]
    public void A_unix_connection_inside_the_tree_is_none()
    {
        Inspection inspection = InspectTree("pass", "a, b = socket.socketpair()");

        Assert.Empty(inspection.Options.External);
        Assert.False(inspection.Options.ExtUnixSk);
    }

    [Fact]
    public void A_datagram_socket_to_a_service_is_connected_again_by_name()
    {
        Inspection inspection = InspectTree(
            "d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\nd.bind('service')",
            "d.close()\nc = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\nc.connect('service')\npass");

        Assert.True(inspection.Options.ExtUnixSk);
        Assert.Empty(inspection.Options.External);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "unix-service", Severity: FindingSeverity.Note });
    }

    [Fact]
    public void A_fifo_to_the_outside_has_its_path_as_key()
    {
        Inspection inspection = InspectTree("os.mkfifo('fifo')\nf = os.open('fifo', os.O_RDWR)", "os.close(f)\nw = os.open('fifo', os.O_WRONLY)");

        StdioEnd end = Assert.Single(inspection.OutsideEnds, e => e.Kind == StdioKind.Fifo);
        Assert.Equal(_directory.File("fifo").TrimStart('/'), end.Key);
    }

    [Fact]
    public void A_terminal_from_outside_is_an_external()
    {
        Inspection inspection = InspectTree(
            "m, s = pty.openpty()",
            "fcntl.ioctl(s, termios.TIOCSCTTY, 0)\nos.close(m)\nfor i in (0, 1, 2): os.dup2(s, i)\nt = open('/dev/tty', 'w')");

        List<StdioEnd> ends = inspection.OutsideEnds.Where(e => e.Kind == StdioKind.Tty).ToList();
        Assert.Equal(2, ends.Count);
        Assert.All(ends, e => Assert.Contains(e.Key, inspection.Options.External));
        Assert.Contains(ends, e => e.Key.StartsWith("tty[500:", StringComparison.Ordinal));
        Assert.Equal(3, ends.Single(e => e.IsFd(0)).Descriptors.Count(d => d.Fd <= 2));
        Assert.False(inspection.Verdict.Refuses(force: false));
    }

    [Fact]
    public void A_terminal_inside_the_tree_is_none()
    {
        Inspection inspection = InspectTree("pass", "m, s = pty.openpty()");

        Assert.Empty(inspection.Options.External);
    }

    [Fact]
    public void A_connection_inside_the_tree_and_one_to_the_outside_are_told_apart()
    {
        const string Listen = "l = socket.socket()\nl.bind(('127.0.0.1', 0))\nl.listen()\n";
        Inspection inspection = InspectTree(
            Listen, $"o = socket.socket()\no.connect(l.getsockname())\nl.close()\n{Listen}c = socket.socket()\nc.connect(l.getsockname())\ns, _ = l.accept()");

        Assert.True(inspection.Options.TcpEstablished);
        Assert.Equal("nftables", inspection.Options.NetworkLock);
        Assert.Equal(2, inspection.Requirement.Connections.Count(c => c.PeerInside));
        Assert.Single(inspection.Requirement.Connections, c => !c.PeerInside);
        Assert.Single(inspection.Requirement.Listening);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "tcp-peer-outside", Severity: FindingSeverity.Note });
    }

    [Fact]
    public void A_connection_that_nobody_accepted_can_be_overridden()
    {
        Inspection inspection = InspectTree("pass",
            "l = socket.socket()\nl.bind(('127.0.0.1', 0))\nl.listen()\nc = socket.socket()\nc.connect(l.getsockname())");

        Assert.True(inspection.Options.SkipInFlight);
        Assert.Contains(inspection.Verdict.Findings, f => f is { Code: "connection-in-flight", Severity: FindingSeverity.Overridable });
    }

    private Inspection InspectTree(string before, string body)
    {
        using PythonProcess python = PythonProcess.Start($"{Imports}{before}\nbody = \"\"\"\n{body}\n\"\"\"\n{InChild}", _directory.Path);
        int pid = int.Parse(File.ReadAllText(_directory.File("ready")), System.Globalization.CultureInfo.InvariantCulture);
        return WorkloadInspector.Inspect(pid, new InspectOptions());
    }
}
