namespace Checkpointer.Platform.Tests;

public sealed class CgroupTextTests : IDisposable
{
    private const string HybridMounts = """
        30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
        33 30 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
        34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        36 30 0:33 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
        39 30 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
        40 30 0:37 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
        """;

    private const string UnifiedMounts = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";

    private readonly TempDirectory _fake = new();

    public void Dispose() => _fake.Dispose();

    [Theory]
    [InlineData(HybridMounts, CgroupMode.Hybrid)]
    [InlineData(UnifiedMounts, CgroupMode.Unified)]
    [InlineData("34 30 0:31 / /c/memory rw - cgroup cgroup rw,memory", CgroupMode.Legacy)]
    [InlineData("22 1 0:20 / /proc rw - proc proc rw", CgroupMode.None)]
    public void The_mode_follows_from_the_mounts(string mounts, CgroupMode mode) => Assert.Equal(mode, Layout(mounts).Mode);

    [Fact]
    public void A_process_on_a_hybrid_host_is_found_in_each_hierarchy()
    {
        Cgroup cgroup = Cgroup.From(
            Layout(HybridMounts),
            """
            9:name=systemd:/user.slice
            6:freezer:/job
            4:memory:/a/b
            3:cpuset:/
            2:cpu,cpuacct:/a
            1:misc:/not/mounted
            0::/user.slice/x
            """);
        Assert.Equal("/job", cgroup.Name);
        Assert.Equal(
            [
                "/sys/fs/cgroup/systemd/user.slice/cgroup.procs",
                "/sys/fs/cgroup/freezer/job/cgroup.procs",
                "/sys/fs/cgroup/memory/a/b/cgroup.procs",
                "/sys/fs/cgroup/cpu,cpuacct/a/cgroup.procs",
                "/sys/fs/cgroup/unified/user.slice/x/cgroup.procs",
            ],
            cgroup.ProcsFiles);
    }

    [Fact]
    public void A_mount_of_another_namespace_that_ours_covers_is_passed_over()
    {
        Cgroup cgroup = Cgroup.From(
            Layout("""
                31 30 0:28 /../.. /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
                71 30 0:28 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
                """),
            "6:freezer:/pods/x");
        Assert.Equal("/pods/x", cgroup.Name);
        Assert.Equal(["/sys/fs/cgroup/freezer/pods/x/cgroup.procs"], cgroup.ProcsFiles);
    }

    [Fact]
    public void A_process_on_a_unified_host_is_found()
    {
        Cgroup cgroup = Cgroup.From(Layout(UnifiedMounts), "0::/system.slice/my:odd.service\n");
        Assert.Equal("/system.slice/my:odd.service", cgroup.Name);
        Assert.Equal(["/sys/fs/cgroup/system.slice/my:odd.service/cgroup.procs"], cgroup.ProcsFiles);
    }

    [Theory]
    [InlineData("0::/docker/abc", "/sys/fs/cgroup/cgroup.procs")]
    [InlineData("0::/docker/abc/x", "/sys/fs/cgroup/x/cgroup.procs")]
    [InlineData("0::/docker/abcdef", null)]
    [InlineData("0::/../other", null)]
    [InlineData("0::/", null)]
    public void A_container_sees_its_own_part_only(string procCgroup, string? file)
    {
        CgroupLayout layout = Layout("29 22 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        Assert.Equal(file is null ? [] : [file], Cgroup.From(layout, procCgroup).ProcsFiles);
    }

    [Fact]
    public void What_is_no_cgroup_line_is_an_error() =>
        Assert.Throws<FormatException>(() => Cgroup.From(Layout(UnifiedMounts), "garbage"));

    [Fact]
    public void What_the_limits_leave_is_the_least_of_all_ancestors_in_version_2()
    {
        Write("memory.max", "max");
        Write("a/memory.max", "1000000");
        Write("a/memory.current", "900000");
        Write("a/memory.stat", "anon 1\ninactive_file 300000\ninactive_file_other 7\n");
        Write("a/b/memory.max", "800000");
        Write("a/b/memory.current", "100000");
        Cgroup cgroup = Cgroup.From(Fake("rw", unified: true), "0::/a/b");
        Assert.Equal(800_000, cgroup.MemoryLimit);
        Assert.Equal(400_000, cgroup.MemoryLeft);
    }

    [Fact]
    public void What_the_limits_leave_is_the_least_of_all_ancestors_in_version_1()
    {
        Write("memory.limit_in_bytes", "9223372036854771712\n");
        Write("a/memory.limit_in_bytes", "500000\n");
        Write("a/memory.usage_in_bytes", "700000\n");
        Write("a/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\n");
        Cgroup cgroup = Cgroup.From(Fake("rw,memory", unified: false), "4:memory:/a");
        Assert.Equal(500_000, cgroup.MemoryLimit);
        Assert.Equal(0, cgroup.MemoryLeft);
        Assert.Null(Cgroup.From(Fake("rw,memory", unified: false), "4:memory:/").MemoryLeft);
    }

    [Fact]
    public void Controllers_are_passed_down_to_a_new_cgroup_in_version_2()
    {
        foreach (string directory in new[] { "", "jobs/" })
        {
            Write(directory + "cgroup.controllers", "cpuset cpu io memory pids");
            Write(directory + "cgroup.subtree_control", "");
        }

        Cgroup cgroup = Cgroup.Create(Fake("rw", unified: true), "jobs/one");
        Assert.Equal("/jobs/one", cgroup.Name);
        Assert.Equal([_fake["jobs/one/cgroup.procs"]], cgroup.ProcsFiles);
        Assert.Contains("+pids", File.ReadAllText(_fake["cgroup.subtree_control"]), StringComparison.Ordinal);
        Assert.Contains("+pids", File.ReadAllText(_fake["jobs/cgroup.subtree_control"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("a/./x")]
    [InlineData("a//x")]
    [InlineData("a\nb")]
    public void A_name_that_leads_elsewhere_is_wrong_usage(string name) =>
        Assert.Equal("bad-cgroup-name", Assert.Throws<UsageException>(() => Cgroup.Create(Fake("rw", unified: true), name)).Code);

    [Fact]
    public void Without_cgroups_creating_says_so() =>
        Assert.Equal("no-cgroups", Assert.Throws<HostException>(() => Cgroup.Create(new CgroupLayout([]), "x")).Code);

    private static CgroupLayout Layout(string mounts) =>
        new(CgroupHierarchy.FromMounts(ProcText.Split(mounts).Select(ProcMountInfo.ParseLine)));

    private CgroupLayout Fake(string superOptions, bool unified)
    {
        string type = unified ? "cgroup2" : "cgroup";
        return Layout($"29 22 0:26 / {_fake.Path} rw - {type} {type} {superOptions}");
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_fake[name])!);
        File.WriteAllText(_fake[name], text);
    }
}
