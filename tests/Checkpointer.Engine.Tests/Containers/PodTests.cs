using System.Text.Json;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Containers;

/// <summary>What a pod is in a snapshot, and what of it is found to be in common.</summary>
public sealed class PodTests
{
    private static readonly DeviceNumber Disk = new(254, 1);

    [Fact]
    public void A_pods_record_is_of_version_3_and_comes_back_with_its_containers()
    {
        var record = Pod(Member("a"), Member("b"));
        var json = record.ToJson();
        Assert.Equal(3, json.GetProperty("version").GetInt32());
        Assert.Equal("pod", json.GetProperty("kind").GetString());
        Assert.Equal("c1-", json.GetProperty("pod").GetProperty("members")[0].GetProperty("prefix").GetString());
        Assert.Equal(2, json.GetProperty("pod").GetProperty("members")[0].GetProperty("workload").GetProperty("version").GetInt32());
        var read = WorkloadRecord.Read(json, "x");
        Assert.Equal(["a", "b"], read.Pod!.Members.Select(static m => m.Name));
        Assert.Equal(["c1-", "c2-"], read.Trees.Select(static t => t.Prefix));
        Assert.Equal("/shared", Assert.Single(read.Pod.Shared).Places[1].Destination);
    }

    [Fact]
    public void A_container_is_written_as_before_and_is_its_only_tree()
    {
        var record = Member("a");
        var json = record.ToJson();
        Assert.Equal(2, json.GetProperty("version").GetInt32());
        Assert.False(json.TryGetProperty("pod", out _));
        var (prefix, only) = Assert.Single(WorkloadRecord.Read(json, "x").Trees);
        Assert.Equal("", prefix);
        Assert.Equal("a", only.Container!.Record.Name);
    }

    [Theory]
    [InlineData("c1-", "c1-")]
    [InlineData("c2-", "c1-")]
    [InlineData("state-", "c2-")]
    [InlineData("", "c2-")]
    public void A_record_whose_prefixes_are_not_ours_is_damage(string first, string second)
    {
        var pod = Pod(Member("a"), Member("b"));
        pod.Pod!.Members[0] = pod.Pod.Members[0] with { Prefix = first };
        pod.Pod.Members[1] = pod.Pod.Members[1] with { Prefix = second };
        Assert.Equal("repository-damaged", Assert.Throws<RepositoryException>(() => WorkloadRecord.Read(pod.ToJson(), "x")).Code);
    }

    [Fact]
    public void A_record_with_two_containers_of_one_name_or_a_pod_in_a_pod_is_damage()
    {
        Assert.Throws<RepositoryException>(() => WorkloadRecord.Read(Pod(Member("a"), Member("a")).ToJson(), "x"));
        var nested = Member("b");
        nested.Pod = Pod(Member("a")).Pod;
        Assert.Throws<RepositoryException>(() => WorkloadRecord.Read(Pod(nested).ToJson(), "x"));
        Assert.Throws<RepositoryException>(() => WorkloadRecord.Read(Pod().ToJson(), "x"));
    }

    [Fact]
    public void A_newer_record_is_refused() =>
        Assert.Equal("snapshot-too-new", Assert.Throws<RepositoryException>(() => WorkloadRecord.Read(JsonDocument.Parse("{\"version\":4}").RootElement, "x")).Code);

    [Fact]
    public void One_directory_in_two_containers_is_shared_and_two_in_one_are_not()
    {
        var shared = PodMounts.Group(
        [
            ((Disk, "/v"), new SharedPlace("a", "/data")),
            ((Disk, "/v"), new SharedPlace("b", "/mnt")),
            ((Disk, "/w"), new SharedPlace("a", "/one")),
            ((Disk, "/w"), new SharedPlace("a", "/two")),
            ((Disk, "/x"), new SharedPlace("b", "/other")),
            (null, new SharedPlace("b", "/gone")),
        ]);
        Assert.Equal([new SharedPlace("a", "/data"), new SharedPlace("b", "/mnt")], Assert.Single(shared).Places);
    }

    [Fact]
    public void Containers_that_have_ended_are_told_and_one_that_starts_refuses()
    {
        var findings = PodSubject.NotRunning(
            [Summary("init", "exited"), Summary("server", "running"), Summary("server", "exited"), Summary("late", "created"), Summary("init", "exited") with { SandboxId = "other" }],
            "box",
            new HashSet<string> { "server" });
        Assert.Equal(["container-ended", "container-not-started"], findings.Select(static f => f.Code).Order());
        Assert.True(new Verdict(findings).Refuses(force: false));
        Assert.False(new Verdict(findings).Refuses(force: true));
    }

    private static ContainerSummary Summary(string name, string state) =>
        new() { Id = name + state, Name = name, SandboxId = "box", Image = "i", State = state, Created = default };

    private static WorkloadRecord Pod(params WorkloadRecord[] members) => new()
    {
        Version = WorkloadRecord.CurrentVersion,
        Kind = "pod",
        RootPid = 0,
        Command = "pod",
        Processes = members.Length,
        Requirement = Requirement(),
        Options = new TreeOptions(),
        StateFiles = [],
        Pod = new PodPart
        {
            Name = "pod",
            Namespace = "tests",
            Members = [.. members.Select(static (m, i) => new PodMember { Prefix = PodMember.PrefixOf(i), Workload = m })],
            Shared = [new SharedMount { Places = [new SharedPlace("a", "/data"), new SharedPlace("b", "/shared")] }],
        },
    };

    private static WorkloadRecord Member(string name) => new()
    {
        Version = WorkloadRecord.ContainerVersion,
        Kind = "container",
        RootPid = 1,
        Command = "w",
        Processes = 1,
        Requirement = Requirement(),
        Options = new TreeOptions(),
        StateFiles = [],
        Container = new ContainerPart { Record = new ContainerRecord { Id = name, Name = name, Pid = 0, Image = "i", Runtime = "containerd" }, Mounts = [] },
    };

    private static Requirement Requirement() => new()
    {
        Architecture = "x86_64",
        CpuFlags = [],
        CpuModel = "m",
        KernelRelease = "6.1.0",
        MemoryBytes = 1,
        ThreadIds = [1],
        CgroupMode = "v2",
        MappedFiles = [],
        OpenFiles = [],
        OutsideEnds = [],
        Connections = [],
        Listening = [],
        Directories = [],
    };
}
