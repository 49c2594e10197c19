using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>A container is ended on one node and goes on in another container, on another node or the same.</summary>
public sealed class RoundTripTests(TwoNodes nodes)
{
    private const int Code = 42;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>The checks of the workload that each row does, and how its container is started.</summary>
    public static TheoryData<string, string> Rows => new()
    {
        { "memory and threads", "memory=8 threads" },
        { "forks and orphans", "forks orphan" },
        { "shared memory", "shm devshm" },
        { "System V IPC", "sysv" },
        { "unix sockets and pipes", "unix pipes" },
        { "loopback TCP", "tcp listen=7000" },
        { "events and timers", "events timers" },
        { "files changed, added, deleted", "files append" },
        { "unlinked open files", "unlinked" },
        { "credentials", "identity" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Goes_on_on_another_node(string row, string checks)
    {
        Assert.NotEmpty(row);
        await MoveAsync(ContainerOptions.Workload(["--code", $"{Code}", .. checks.Split(' ')]), nodes.A, nodes.B);
    }

    [Fact]
    public Task Goes_on_on_the_same_node() => MoveAsync(ContainerOptions.Workload("--code", $"{Code}", "memory=4", "files"), nodes.A, nodes.A);

    [Fact]
    public Task A_terminal() => MoveAsync(ContainerOptions.Workload("--code", $"{Code}", "terminal") with { Tty = true }, nodes.A, nodes.B);

    [Fact]
    public Task Another_user_with_a_read_only_root_and_a_filter()
    {
        Assert.SkipUnless(HasResourceCapability(), "without CAP_SYS_RESOURCE CRIU may not read the limits of another user's process");
        return MoveAsync(
            ContainerOptions.Workload("--code", $"{Code}", "identity", "readonly") with { User = 1000, ReadOnlyRoot = true, Seccomp = true, NoNewPrivileges = true },
            nodes.A,
            nodes.B);
    }

    [Fact]
    public Task A_workload_under_a_small_init() => MoveAsync(
        ContainerOptions.Workload() with { Command = ["/tini", "--", "/workload", "--code", $"{Code}", "memory=2", "forks"] }, nodes.A, nodes.B);

    private static bool HasResourceCapability()
    {
        const int CapSysResource = 24;
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapEff:", StringComparison.Ordinal));
        return (Convert.ToUInt64(line[7..].Trim(), 16) >> CapSysResource & 1) == 1;
    }

    private static async Task MoveAsync(ContainerOptions options, ContainerNode from, ContainerNode to)
    {
        await using var oldPod = await TestPod.StartAsync(from, "from");
        var before = await Workload.StartAsync(oldPod, options);
        await before.VerifyAsync();
        var done = (await from.CheckpointerAsync("checkpoint", "--container", before.Container.Id, "--name", oldPod.Name, "--json")).MustSucceed();
        Assert.True(JsonDocument.Parse(done.Stdout).RootElement.GetProperty("durable").GetBoolean());

        await using var newPod = await TestPod.StartAsync(to, "to");
        var after = new Workload(await newPod.RunAsync(Placeholder.Of(options)));
        (await to.CheckpointerAsync("restore", "--latest", oldPod.Name, "--into", after.Container.Id)).MustSucceed();
        await after.MustTickAsync();
        await after.VerifyAsync();
        Workload.MustHaveTickedWithoutGap(before, after);
        await after.Container.StopAsync(Limit);
        Assert.Equal(Code, await after.Container.ExitCodeAsync(Limit));
    }
}
