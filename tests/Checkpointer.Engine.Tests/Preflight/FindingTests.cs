using System.Diagnostics;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

/// <summary>Each finding provoked by a real little process.</summary>
public sealed class FindingTests : IDisposable
{
    private const string Syscall = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Fact]
    public void A_plain_process_has_notes_at_most()
    {
        Inspection inspection = Inspect("import os\nos.setsid()");

        Assert.False(inspection.Verdict.Refuses(force: false));
        Assert.False(inspection.Options.TcpEstablished);
        Assert.False(inspection.Options.ShellJob);
        Assert.Equal("skip", inspection.Options.NetworkLock);
        Assert.True(inspection.EstimatedBytes > 1 << 20);
        Assert.Contains(inspection.Tree.Root.Pid, inspection.Requirement.ThreadIds);
        Assert.Contains(inspection.Requirement.MappedFiles, f => f.BuildId is not null);
        Assert.Contains(_directory.Path, inspection.Requirement.Directories);
    }

    [Fact]
    public void A_process_of_our_session_needs_shell_job()
    {
        Assert.True(Inspect("").Options.ShellJob);
    }

    [Fact]
    public void An_io_uring_blocks()
    {
        Blocks("io-uring", Syscall + """
            params = ctypes.create_string_buffer(120)
            fd = libc.syscall(425, 4, params)
            if fd < 0: print('skip no io_uring here', flush=True)
            """);
    }

    [Fact]
    public void A_file_on_an_unmounted_file_system_blocks()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting needs root");
        Blocks("file-on-foreign-mount", Syscall + """
            os.mkdir('m')
            if libc.mount(b'none', b'm', b'tmpfs', 0, None) != 0: print('skip no mounts here', flush=True)
            held = open('m/file', 'w')
            libc.umount2(b'm', 2)
            """);
    }

    [Fact]
    public void A_device_blocks()
    {
        Blocks("device-file", """
            import os
            for path in ('/dev/fuse', '/dev/kvm', '/dev/net/tun', '/dev/hwrng', '/dev/loop-control', '/dev/vhost-net'):
                try:
                    if path != '/dev/net/tun':
                        fd = os.open(path, os.O_RDWR)
                        break
                except OSError:
                    pass
            else:
                print('skip no device to open', flush=True)
            """);
    }

    [Fact]
    public void A_perf_event_blocks()
    {
        Blocks("unsupported-file", Syscall + """
            attr = ctypes.create_string_buffer(128)
            attr[0:8] = (1).to_bytes(4, 'little') + (128).to_bytes(4, 'little')
            fd = libc.syscall(298, attr, 0, -1, -1, 0)
            if fd < 0: print('skip no perf events here', flush=True)
            """);
    }

    [Fact]
    public void Private_huge_pages_block()
    {
        // The pool may be empty: a mapping that is not touched needs none of it only with MAP_NORESERVE.
        Blocks("private-hugetlb", Syscall + """
            libc.mmap.restype = ctypes.c_void_p
            libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
            if libc.mmap(None, 2 << 20, 3, 0x02 | 0x20 | 0x40000 | 0x4000, -1, 0) == ctypes.c_void_p(-1).value: print('skip no huge pages here', flush=True)
            """);
    }

    [Fact]
    public void System_v_memory_outside_an_own_namespace_blocks()
    {
        Blocks("sysv-shm-outside-ipc-namespace", Syscall + """
            libc.shmat.restype = ctypes.c_void_p
            segment = libc.shmget(0, 4096, 0o1600)
            libc.shmat(segment, None, 0)
            libc.shmctl(segment, 0, None)
            """);
    }

    [Fact]
    public void An_mptcp_socket_blocks()
    {
        Blocks("mptcp-socket", """
            import socket
            try: s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
            except OSError: print('skip no MPTCP here', flush=True)
            """);
    }

    [Fact]
    public void A_socket_of_an_unknown_family_blocks()
    {
        Blocks("unsupported-socket", """
            import socket
            try: s = socket.socket(38, socket.SOCK_SEQPACKET, 0)
            except OSError:
                try: s = socket.socket(40, socket.SOCK_STREAM, 0)
                except OSError: print('skip neither AF_ALG nor AF_VSOCK here', flush=True)
            """);
    }

    [Fact]
    public void A_traced_process_blocks()
    {
        using PythonProcess target = PythonProcess.Start("import os", _directory.Path);
        using PythonProcess tracer = PythonProcess.Start(
            Syscall + $"if libc.syscall(101, 0x4206, {target.Pid}, 0, 0) != 0: print('skip may not trace', flush=True)", _directory.Path);

        Finding finding = Assert.Single(target.Inspect().Verdict.Findings, f => f.Severity == FindingSeverity.Blocker);

        Assert.Equal("process-traced", finding.Code);
        Assert.Contains($"by {tracer.Pid} (python3", finding.Subject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--pid --fork --mount-proc", "pid-namespace")]
    [InlineData("--mount", "mount-namespace")]
    [InlineData("--net", "network-namespace")]
    [InlineData("--user", "user-namespace")]
    public void A_namespace_of_its_own_blocks_for_now(string options, string code)
    {
        using PythonProcess python = PythonProcess.Start("", _directory.Path, ["unshare", .. options.Split(' ')]);

        Assert.Contains(python.Inspect().Verdict.Findings, f => f.Code == code && f.Severity == FindingSeverity.Blocker);
    }

    [Fact]
    public void Pid_and_mount_namespaces_of_the_owner_do_not_block()
    {
        using PythonProcess owner = PythonProcess.Start("import subprocess, os\nsubprocess.Popen(['sleep', '600'], start_new_session=True)", _directory.Path,
            "unshare", "--pid", "--fork", "--mount-proc");
        ProcessInfo init = ProcessTree.Read(owner.Pid)!.Processes[1];
        int sleeper = ProcessTree.Read(owner.Pid)!.Processes[2].Pid;

        Inspection inspection = WorkloadInspector.Inspect(sleeper, new InspectOptions { OwnedBy = init.Pid });
        Inspection foreign = WorkloadInspector.Inspect(sleeper, new InspectOptions());

        Assert.DoesNotContain(inspection.Verdict.Findings, f => f.Severity == FindingSeverity.Blocker);
        Assert.Contains(foreign.Verdict.Findings, f => f.Code == "pid-namespace");
        Assert.True(inspection.Requirement.OwnPidNamespace);
        Assert.Contains(inspection.Tree.Root.OwnPid, inspection.Requirement.ThreadIds);
        Assert.NotEqual(inspection.Tree.Root.Pid, inspection.Tree.Root.OwnPid);
    }

    [Fact]
    public void Rules_in_an_own_network_namespace_block()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/nft"), "no nft here");
        using PythonProcess python = PythonProcess.Start("import os\nif os.system('/usr/sbin/nft add table inet t'): print('skip nft failed', flush=True)", _directory.Path, "unshare", "--net");

        Assert.Contains(python.Inspect().Verdict.Findings, f => f.Code == "nftables-in-network-namespace");
    }

    [Fact]
    public void Huge_reserves_can_be_overridden_where_the_kernel_is_careful()
    {
        string mode = File.ReadAllText("/proc/sys/vm/overcommit_memory").Trim();
        Inspection inspection = Inspect(Syscall + """
            libc.mmap.restype = ctypes.c_void_p
            libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
            libc.mmap(None, 1 << 44, 0, 0x02 | 0x20 | 0x4000, -1, 0)
            """);

        Assert.Equal(mode != "1", inspection.Verdict.Findings.Any(f => f is { Code: "overcommit-needed", Severity: FindingSeverity.Overridable }));
        Assert.True(inspection.Requirement.LargestMapping >= 1L << 44);
    }

    [Fact]
    public void A_pidfd_to_a_stranger_blocks()
    {
        Blocks("pidfd-outside", $"import os\nfd = os.pidfd_open({Environment.ProcessId})");
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]
    public void A_semaphore_eventfd_refuses_unless_forced(int flags, bool refuses)
    {
        Inspection inspection = Inspect($"import ctypes\nfd = ctypes.CDLL(None).eventfd(3, {flags})");

        Assert.Equal(refuses, inspection.Verdict.Findings.Any(f => f is { Code: "eventfd-semaphore", Severity: FindingSeverity.Overridable }));
    }

    private Inspection Inspect(string script)
    {
        using PythonProcess python = PythonProcess.Start(script, _directory.Path);
        return python.Inspect();
    }

    private void Blocks(string code, string script)
    {
        Inspection inspection = Inspect(script);
        Finding finding = Assert.Single(inspection.Verdict.Findings, f => f.Severity == FindingSeverity.Blocker);
        Assert.Equal(code, finding.Code);
        Assert.NotEmpty(finding.Remedy);
        Assert.True(inspection.Verdict.Refuses(force: true));
    }
}
