namespace Checkpointer.Integration.Tests;

/// <summary>One workload in two repositories, and one name for two workloads.</summary>
public sealed class TwoRepositoriesTests
{
    [Fact]
    public async Task The_newest_of_one_repository_is_not_restored_unasked_when_the_workload_went_on_into_another()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var other = Path.Combine(lab.Directory, "other");
        (await lab.CheckpointerAsync("init", "--repo", other)).MustSucceed();
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "sleep.out"), "sleep", "600");
        var first = await lab.CheckpointAsync(pid, "--name", "sleeper");
        var second = await lab.CheckpointAsync((await lab.RestoreAsync(first.Id)).Pid, "--repo", other, "--name", "sleeper");
        Assert.Equal(first.Lineage, second.Lineage);
        Assert.Equal(2, second.Generation);

        (await lab.CheckpointerAsync("restore", "--latest", "sleeper", "--embedded", "--json")).MustSay(3, "newer-elsewhere");

        var dry = await lab.CheckpointerAsync("restore", "--latest", "sleeper", "--dry-run", "--embedded", "--json");
        dry.MustExit(3);
        Assert.Contains("newer-elsewhere", dry.Stdout, StringComparison.Ordinal);
        (await lab.CheckpointerAsync("restore", "--latest", "sleeper", "--dry-run", "--force", "--embedded", "--json")).MustSucceed();

        // Each repository has what it ever had: nobody removed anything.
        (await lab.CheckpointerAsync("restore", "--latest", "sleeper", "--repo", other, "--embedded", "--json")).MustSucceed();
        (await lab.CheckpointerAsync("restore", "--latest", "sleeper", "--force", "--embedded", "--json")).MustSucceed();
    }

    [Fact]
    public async Task A_newest_snapshot_that_this_node_has_seen_and_that_is_gone_is_missed()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "sleep.out"), "sleep", "600");
        var first = await lab.CheckpointAsync(pid, "--name", "sleeper");
        var second = await lab.CheckpointAsync((await lab.RestoreAsync(first.Id)).Pid);
        (await lab.CheckpointerAsync("delete", second.Id)).MustSucceed();

        (await lab.CheckpointerAsync("restore", "--latest", "sleeper", "--embedded", "--json")).MustSay(3, "generation-rolled-back");
        (await lab.CheckpointerAsync("restore", second.Id, "--embedded", "--json")).MustSay(4, "snapshot-not-found");
    }

    [Fact]
    public async Task A_third_workload_of_a_name_that_two_lineages_bear_is_checkpointed_and_told()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var lineages = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            // Named later: a new process with the name at once would be taken for the same workload.
            var pid = await lab.StartAsync(Path.Combine(lab.Directory, $"sleep-{i}.out"), "sleep", "600");
            await lab.CheckpointAsync(pid, "--leave-running");
            lineages.Add((await lab.CheckpointAsync(pid, "--name", "worker")).Lineage);
        }

        Assert.Equal(2, lineages.Count);
        var third = await lab.StartAsync(Path.Combine(lab.Directory, "sleep-2.out"), "sleep", "600");
        var snapshot = await lab.CheckpointAsync(third, "--name", "worker");

        Assert.Contains("name-ambiguous", snapshot.Findings);
        Assert.DoesNotContain(snapshot.Lineage, lineages);
        (await lab.CheckpointerAsync("restore", "--latest", "worker", "--embedded", "--json")).MustSay(4, "snapshot-ambiguous");
        var restored = await lab.CheckpointerAsync("restore", "--latest", snapshot.Lineage, "--embedded", "--json");
        restored.MustSucceed();
        Assert.Equal(snapshot.Id, restored.Json.GetProperty("snapshot").GetString());
    }
}
