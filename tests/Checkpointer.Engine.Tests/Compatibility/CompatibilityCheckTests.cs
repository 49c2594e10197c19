using System.Net;
using System.Net.Sockets;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Compatibility;

public sealed class CompatibilityCheckTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _file;

    public CompatibilityCheckTests()
    {
        _file = _directory.File("data");
        File.WriteAllText(_file, "12345");
    }

    private static Requirement Plain => new()
    {
        Architecture = "x86_64",
        CpuFlags = ["sse2", "avx", "constant_tsc"],
        CpuModel = "old",
        KernelRelease = "6.12.3-x",
        CriuVersion = "4.2.1",
        MemoryBytes = 1 << 20,
        ThreadIds = [],
        CgroupMode = "v2",
        LargestMapping = 1 << 30,
        PrivateBytes = 2L << 30,
    };

    private static NodeProfile Node => new()
    {
        HostName = "b",
        Architecture = "x86_64",
        CpuFlags = ["sse2", "avx"],
        CpuModel = "other",
        KernelRelease = "6.12.3",
        CriuVersion = "4.2.1",
        MemoryTotal = 8L << 30,
        MemoryAvailable = 4L << 30,
        CgroupMode = "v2",
        OvercommitMemory = 0,
        MemoryAndSwap = 8L << 30,
        CommitLeft = 4L << 30,
        PidMaximum = 4_194_304,
    };

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Fact]
    public void A_node_that_is_alike_has_no_findings()
    {
        CompatibilityReport report = CompatibilityCheck.Check(Plain, Node, new RestoreTarget());

        Assert.Empty(report.Verdict.Findings);
        Assert.False(report.NeedsPidNamespace);
        Assert.False(report.CloseTcp);
    }

    [Fact]
    public void This_node_fits_itself()
    {
        NodeProfile here = NodeProfile.Read(new Engine.Criu.CriuInstallation("/criu", new Version(4, 2, 1), ""));
        Requirement mine = Plain with
        {
            Architecture = here.Architecture,
            CpuFlags = here.CpuFlags,
            KernelRelease = here.KernelRelease,
            CgroupMode = here.CgroupMode,
            LargestMapping = 0,
            PrivateBytes = 0,
        };

        Assert.Empty(CompatibilityCheck.Check(mine, here, new RestoreTarget()).Verdict.Findings);
    }

    [Fact]
    public void Another_architecture_blocks()
    {
        Assert.Equal("architecture", Single(Plain, Node with { Architecture = "aarch64" }, FindingSeverity.Blocker).Code);
    }

    [Fact]
    public void A_missing_instruction_blocks_and_a_missing_property_does_not()
    {
        Finding finding = Single(Plain, Node with { CpuFlags = ["sse2"] }, FindingSeverity.Blocker);

        Assert.Equal("cpu-flags-missing", finding.Code);
        Assert.Contains("avx", finding.Found, StringComparison.Ordinal);
        Assert.DoesNotContain("constant_tsc", finding.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void More_floating_point_state_can_be_overridden_and_then_only_instructions_are_compared()
    {
        CompatibilityReport report = CompatibilityCheck.Check(Plain, Node with { CpuFlags = ["sse2", "avx", "avx512f"] }, new RestoreTarget());

        Assert.Equal("cpu-state-differs", Assert.Single(report.Verdict.Findings).Code);
        Assert.True(report.Verdict.Refuses(force: false));
        Assert.False(report.Verdict.Refuses(force: true));
        Assert.Equal("ins", report.CpuCapability);
    }

    [Theory]
    [InlineData("6.1.99", true)]
    [InlineData("5.15.0-1-generic", true)]
    [InlineData("6.12.3+", false)]
    [InlineData("6.13", false)]
    [InlineData("10.0", false)]
    public void An_older_kernel_can_be_overridden(string release, bool older)
    {
        IReadOnlyList<Finding> findings = CompatibilityCheck.Check(Plain, Node with { KernelRelease = release }, new RestoreTarget()).Verdict.Findings;

        Assert.Equal(older ? ["kernel-older"] : [], findings.Select(f => f.Code));
    }

    [Theory]
    [InlineData("4.2", "criu-older")]
    [InlineData("4.1.9", "criu-older")]
    [InlineData(null, "no-criu")]
    public void An_older_or_absent_CRIU_blocks(string? version, string code)
    {
        Assert.Equal(code, Single(Plain, Node with { CriuVersion = version }, FindingSeverity.Blocker).Code);
    }

    [Fact]
    public void A_newer_CRIU_is_fine()
    {
        Assert.Empty(CompatibilityCheck.Check(Plain, Node with { CriuVersion = "4.10" }, new RestoreTarget()).Verdict.Findings);
    }

    [Fact]
    public void Too_little_memory_can_be_overridden()
    {
        Assert.Equal("memory-short", Single(Plain with { MemoryBytes = 5L << 30 }, Node, FindingSeverity.Overridable).Code);
    }

    [Theory]
    [InlineData(0, 9L << 30, 9L << 30, true)]
    [InlineData(0, 7L << 30, 300L << 30, false)]
    [InlineData(1, 300L << 30, 300L << 30, false)]
    [InlineData(2, 1L << 30, 5L << 30, true)]
    [InlineData(2, 1L << 30, 3L << 30, false)]
    public void Huge_reserves_want_overcommit(int mode, long largest, long all, bool wanted)
    {
        Requirement requirement = Plain with { LargestMapping = largest, PrivateBytes = all };

        IReadOnlyList<Finding> findings = CompatibilityCheck.Check(requirement, Node with { OvercommitMemory = mode }, new RestoreTarget()).Verdict.Findings;

        Assert.Equal(wanted ? ["overcommit-needed"] : [], findings.Select(f => f.Code));
        Assert.All(findings, f => Assert.Equal(FindingSeverity.Overridable, f.Severity));
    }

    [Fact]
    public void A_pid_that_is_too_high_for_the_kernel_blocks()
    {
        Assert.Equal("pid-maximum-low", Single(Plain with { ThreadIds = [40_000] }, Node with { PidMaximum = 32_768 }, FindingSeverity.Blocker).Code);
    }

    [Theory]
    [InlineData(4_194_304, 500, 4_190_208)]
    [InlineData(32_768, 500, 28_672)]
    [InlineData(32_768, 32_000, 32_001)]
    public void Pids_of_a_new_namespace_begin_above_those_of_the_tree(int maximum, int highest, int last)
    {
        Assert.Equal(last, CompatibilityCheck.Check(Plain with { ThreadIds = [3, highest], OwnPidNamespace = true }, Node with { PidMaximum = maximum }, new RestoreTarget()).LastPid);
    }

    [Fact]
    public void A_pid_that_is_in_use_calls_for_a_pid_namespace()
    {
        CompatibilityReport taken = CompatibilityCheck.Check(Plain with { ThreadIds = [Environment.ProcessId] }, Node, new RestoreTarget());

        Assert.True(taken.NeedsPidNamespace);
        Assert.False(taken.Verdict.Refuses(force: false));
        Assert.True(CompatibilityCheck.Check(Plain with { OwnPidNamespace = true }, Node, new RestoreTarget()).NeedsPidNamespace);
    }

    [Fact]
    public void A_thread_id_counts_as_a_pid()
    {
        int tid = Directory.EnumerateDirectories("/proc/self/task").Select(d => int.Parse(Path.GetFileName(d), System.Globalization.CultureInfo.InvariantCulture))
            .First(t => t != Environment.ProcessId);

        Assert.True(CompatibilityCheck.Check(Plain with { ThreadIds = [tid] }, Node, new RestoreTarget()).NeedsPidNamespace);
    }

    [Fact]
    public void An_open_file_must_be_there_with_its_size()
    {
        long time = FileStatus.Of(_file)!.ModifiedNanoseconds;

        Assert.Empty(Open(new OpenFile(_file, 5, time, true, true)));
        Assert.Equal("open-file-differs", Assert.Single(Open(new OpenFile(_file, 6, time, true, true))).Code);
        Assert.Empty(Open(new OpenFile(_file, 6, time, true, SizeChecked: false)));
        Assert.Equal("open-file-missing", Assert.Single(Open(new OpenFile(_file + "x", 5, time, true, true))).Code);
        Finding modified = Assert.Single(Open(new OpenFile(_file, 5, time - 1, true, true)));
        Assert.Equal(("open-file-modified", FindingSeverity.Note), (modified.Code, modified.Severity));
    }

    [Fact]
    public void A_file_that_comes_with_the_snapshot_need_not_be_there()
    {
        RestoreTarget target = new() { Carried = new HashSet<string> { _file + "x" } };

        Assert.Empty(CompatibilityCheck.Check(Plain with { OpenFiles = [new OpenFile(_file + "x", 5, 0, true, true)] }, Node, target).Verdict.Findings);
    }

    [Fact]
    public void A_mapped_library_must_be_the_same_build()
    {
        const string Library = "/bin/sh";
        long size = FileStatus.Of(Library)!.Size;
        string build = ElfBuildId.Read(Library)!;

        Assert.Empty(Mapped(new MappedFile(Library, size, build)));
        Assert.Equal("mapped-file-differs", Assert.Single(Mapped(new MappedFile(Library, size, "00" + build[2..]))).Code);
        Assert.Equal("mapped-file-differs", Assert.Single(Mapped(new MappedFile(Library, size + 1, build))).Code);
        Assert.Equal("mapped-file-missing", Assert.Single(Mapped(new MappedFile("/no/such/lib.so", size, build))).Code);
    }

    [Fact]
    public void A_missing_directory_blocks()
    {
        Assert.Equal("directory-missing", Single(Plain with { Directories = ["/", _directory.File("none")] }, Node, FindingSeverity.Blocker).Code);
    }

    [Theory]
    [InlineData("relative")]
    [InlineData("/a/../b")]
    public void A_path_that_is_not_plain_is_refused(string path)
    {
        Assert.Equal("path-refused", Assert.Single(Open(new OpenFile(path, 5, 0, false, true))).Code);
    }

    [Fact]
    public void A_thousand_missing_files_are_summed_up()
    {
        IReadOnlyList<Finding> findings = Mapped([.. Enumerable.Range(0, 1000).Select(i => new MappedFile($"/no/such/{i}", 1, null))]);

        Assert.Equal(FindingList.MostOfOneCode + 1, findings.Count);
        Assert.Equal($"{1000 - FindingList.MostOfOneCode} more", findings[^1].Subject);
    }

    [Fact]
    public void A_port_that_is_in_use_blocks()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;

        Assert.Equal("port-taken", Single(Plain with { Listening = [new ListeningAddress("tcp", $"127.0.0.1:{port}")] }, Node, FindingSeverity.Blocker).Code);
        Assert.Equal("port-taken", Single(Plain with { Listening = [new ListeningAddress("tcp", $"0.0.0.0:{port}")] }, Node, FindingSeverity.Blocker).Code);
        Assert.Empty(CompatibilityCheck.Check(Plain with { Listening = [new ListeningAddress("udp", $"127.0.0.1:{port}")] }, Node, new RestoreTarget()).Verdict.Findings);
    }

    [Fact]
    public void A_connection_from_an_address_that_is_not_here_comes_back_closed()
    {
        Requirement requirement = Plain with { Connections = [new TcpConnection("192.0.2.77:5000", "192.0.2.1:80", false), new TcpConnection("127.0.0.1:1", "127.0.0.1:2", true)] };

        CompatibilityReport report = CompatibilityCheck.Check(requirement, Node, new RestoreTarget());

        Finding finding = Assert.Single(report.Verdict.Findings);
        Assert.Equal(("tcp-address-missing", FindingSeverity.Overridable, "192.0.2.77:5000"), (finding.Code, finding.Severity, finding.Subject));
        Assert.True(report.CloseTcp);
    }

    [Theory]
    [InlineData(StdioKind.Pipe, "pipe:[12]", true)]
    [InlineData(StdioKind.Pipe, "pipe:[12] --exec-cmd", false)]
    [InlineData(StdioKind.Tty, "tty[8800:19]", true)]
    [InlineData(StdioKind.Tty, "file[1:2]", false)]
    [InlineData(StdioKind.UnixSocket, "socket:[5]\n", false)]
    [InlineData(StdioKind.Fifo, "tmp/a fifo", true)]
    [InlineData(StdioKind.Fifo, "../etc/passwd", false)]
    public void A_forged_key_is_refused(StdioKind kind, string key, bool allowed)
    {
        StdioEnd end = new() { Kind = kind, Direction = StdioDirection.Both, Key = key, Descriptors = [], Description = "" };

        IReadOnlyList<Finding> findings = CompatibilityCheck.Check(Plain with { OutsideEnds = [end] }, Node, new RestoreTarget()).Verdict.Findings;

        Assert.Equal(allowed ? [] : ["manifest-refused"], findings.Select(f => f.Code));
    }

    private static Finding Single(Requirement requirement, NodeProfile node, FindingSeverity severity)
    {
        Finding finding = Assert.Single(CompatibilityCheck.Check(requirement, node, new RestoreTarget()).Verdict.Findings);
        Assert.Equal(severity, finding.Severity);
        Assert.NotEmpty(finding.Remedy);
        return finding;
    }

    private static IReadOnlyList<Finding> Open(OpenFile file)
    {
        return CompatibilityCheck.Check(Plain with { OpenFiles = [file] }, Node, new RestoreTarget()).Verdict.Findings;
    }

    private static IReadOnlyList<Finding> Mapped(params MappedFile[] files)
    {
        return CompatibilityCheck.Check(Plain with { MappedFiles = files }, Node, new RestoreTarget()).Verdict.Findings;
    }
}
