using System.Runtime.CompilerServices;
using System.Text;
using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>
/// What runtimes add to verbose answers. The samples of containerd are what Debian's 1.6.20 and 2.1.9 said (without most of the seccomp
/// profile); CRI-O's is the same specification in the members that CRI-O documents.
/// </summary>
public sealed class TemplateTests
{
    [Theory]
    [InlineData("containerd-1.6", 128)]
    [InlineData("containerd-2.1", 149)]
    public void A_container_of_containerd_is_known_whole(string runtime, int pid)
    {
        using var info = Sample($"{runtime}-container");
        using var pod = Sample($"{runtime}-pod");
        Assert.Equal(pid, info.Pid);

        var template = Read(info, pod);

        Assert.Equal(["/.checkpointer/init", "hold", "--deadline", "600"], template.Command);
        Assert.Equal(("/", "web-host"), (template.WorkingDirectory, template.HostName));
        Assert.Equal("b=c", template.Environment["A"]);
        Assert.Equal(["A", "PATH", "TERM"], template.Environment.Keys.Order());
        Assert.True(template is { Tty: true, ReadOnlyRoot: true, NoNewPrivileges: true, Privileged: false, Stdin: false });
        Assert.Equal((1000L, 1000L), (template.User, template.Group));
        Assert.Equal([1000, 2000], template.SupplementalGroups);
        Assert.Equal([], template.AddCapabilities);
        Assert.Equal(["NET_RAW"], template.DropCapabilities);
        Assert.Equal((64L << 20, 50000L, 100000L, 512L), (template.MemoryLimit, template.CpuQuota, template.CpuPeriod, template.CpuShares));
        Assert.Equal(("runtime-default", null, null), (template.Seccomp, template.AppArmor, template.SELinux));
        Assert.Equal(["/proc/kcore"], template.MaskedPaths);
        Assert.Equal(["/proc/sys"], template.ReadOnlyPaths);
        Assert.Equal(("container", "pod", "pod"), (template.PidMode, template.NetworkMode, template.IpcMode));
    }

    [Fact]
    public void CRI_O_tells_no_configuration_so_all_comes_from_the_specification()
    {
        using var info = Sample("cri-o-container");
        var pod = new PodSandboxStatus
        {
            RuntimeHandler = "crun",
            Linux = new LinuxPodSandboxStatus { Namespaces = new Namespace { Options = new NamespaceOption { Pid = NamespaceMode.Pod, Network = NamespaceMode.Node } } },
        };

        var template = ContainerTemplates.Read(info, VerboseInfo.None, pod)!;

        Assert.Equal(149, info.Pid);
        Assert.Equal(["ALL"], template.DropCapabilities);
        Assert.Equal(13, template.AddCapabilities.Count);
        Assert.Contains("NET_BIND_SERVICE", template.AddCapabilities);
        Assert.Equal(("runtime-default", "system_u:system_r:container_t:s0:c1,c2"), (template.Seccomp, template.SELinux));
        Assert.Equal(("pod", "node", "crun"), (template.PidMode, template.NetworkMode, template.RuntimeHandler));
        Assert.Equal(1000, template.User);
    }

    [Fact]
    public void What_else_was_asked_for_is_kept()
    {
        using var info = Parse("""
            {"pid":7,"runtimeSpec":{"process":{"args":["a",""],"user":{}},"linux":{"resources":{"memory":{"limit":-1},"cpu":{"cpus":"0-1","mems":"0"}}}},
             "config":{"stdin":true,"CDI_devices":[{"name":"nvidia.com/gpu=0"},{}],
              "devices":[{"container_path":"/dev/a","host_path":"/dev/b","permissions":"r"},{"host_path":"/dev/c"}],
              "linux":{"security_context":{"privileged":true,"namespace_options":{"network":2,"pid":3,"ipc":2},
               "seccomp":{"profile_type":2,"localhost_ref":"profiles/a.json"},"apparmor":{"profile_type":1},
               "selinux_options":{"user":"u","role":"r","type":"t","level":"s0:c1"},"capabilities":{"add_capabilities":["SYS_ADMIN"]}}}}}
            """);
        using var pod = Parse("""{"config":{"hostname":"h","linux":{"cgroup_parent":"/a.slice","sysctls":{"net.core.somaxconn":"9"}}}}""");

        var template = Read(info, pod);

        Assert.Equal(["a", ""], template.Command);
        Assert.True(template is { Stdin: true, Privileged: true, User: 0, MemoryLimit: 0 });
        Assert.Equal(["nvidia.com/gpu=0"], template.CdiDevices);
        Assert.Equal([new ContainerVolume("/dev/a", "/dev/b", true)], template.Devices);
        Assert.Equal(("node", "target", "node"), (template.NetworkMode, template.PidMode, template.IpcMode));
        Assert.Equal(("localhost/profiles/a.json", "unconfined", "u:r:t:s0:c1"), (template.Seccomp, template.AppArmor, template.SELinux));
        Assert.Equal(("h", "/a.slice", "9"), (template.HostName, template.CgroupParent, template.Sysctls["net.core.somaxconn"]));
        Assert.Equal(("0-1", "0"), (template.CpuSet, template.MemorySet));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("not json")]
    [InlineData("\u0000")]
    public void What_is_no_JSON_is_an_error(string text)
    {
        Assert.Equal("runtime-answer", Assert.Throws<HostException>(() => Parse(text)).Code);
    }

    [Fact]
    public void What_is_nested_without_end_is_an_error()
    {
        Assert.Equal("runtime-answer", Assert.Throws<HostException>(() => Parse(new string('[', 100_000))).Code);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"pid":1.5,"runtimeSpec":[]}""")]
    [InlineData("""{"pid":{},"runtimeSpec":{"process":[],"linux":7,"root":"x"},"config":{"linux":[]}}""")]
    [InlineData("""{"runtimeSpec":{"process":{"args":{"0":"a"},"env":["NOEQUALS",7,"=x",null],"user":{"uid":"root","additionalGids":["a",1.5,{}]}}}}""")]
    [InlineData("""{"runtimeSpec":{"linux":{"resources":{"memory":{"limit":1e400},"cpu":{"shares":18446744073709551615}}}}}""")]
    public void What_has_another_shape_is_as_if_it_were_not_there(string text)
    {
        using var info = Parse(text);
        Assert.Null(info.Pid);
        var template = ContainerTemplates.Read(info, info, null);
        Assert.True(template is null or { MemoryLimit: 0, CpuShares: 0, User: 0, Environment.Count: 0, Command.Count: 0, SupplementalGroups.Count: 0 });
    }

    [Fact]
    public void Lists_are_read_to_a_limit()
    {
        var args = new StringBuilder().AppendJoin(',', Enumerable.Repeat("\"a\"", JsonParts.MaxEntries + 5));
        using var info = Parse($$"""{"runtimeSpec":{"process":{"args":[{{args}}]} } }""");
        Assert.Equal(JsonParts.MaxEntries, Read(info, info).Command.Count);
    }

    [Theory]
    [InlineData("sha256:HEX", true)]
    [InlineData("HEX", true)]
    [InlineData("docker.io/library/redis@sha256:HEX", true)]
    [InlineData("docker.io/library/redis:7", false)]
    [InlineData("sha256:HEXa", false)]
    [InlineData("", false)]
    public void A_digest_is_found_in_each_form(string reference, bool found)
    {
        var hex = new string('d', 64);
        Assert.Equal(found ? $"sha256:{hex}" : null, ContainerInspector.DigestIn(reference.Replace("HEX", hex, StringComparison.Ordinal)));
    }

    private static ContainerTemplate Read(VerboseInfo info, VerboseInfo pod) => ContainerTemplates.Read(info, pod, null)!;

    private static VerboseInfo Parse(string text) => VerboseInfo.Read(new Dictionary<string, string> { ["info"] = text }, "it");

    private static VerboseInfo Sample(string name, [CallerFilePath] string path = "") =>
        Parse(File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, "Samples", $"{name}.json")));
}
