using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class MaintenanceVerbTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public async Task Old_snapshots_are_retained_by_rules_and_their_space_is_freed()
    {
        await using var repository = await TestRepository.CreateAsync();
        var first = await repository.AddAsync("training", Time);
        var second = await repository.AddAsync("training", Time.AddHours(1), first);
        var third = await repository.AddAsync("training", Time.AddHours(2), second);
        var other = await repository.AddAsync("other", Time);
        using var cli = Cli(repository);

        Assert.Equal(0, await cli.RunAsync("retain", "--keep-last", "1", "--dry-run"));
        Assert.Contains(cli.OutLines, l => l.StartsWith("remove", StringComparison.Ordinal) && l.Contains(first.ToString(), StringComparison.Ordinal));
        Assert.Contains(cli.OutLines, l => l.StartsWith("keep", StringComparison.Ordinal) && l.EndsWith("newest, newest not superseded, last", StringComparison.Ordinal));
        Assert.Equal("dry run: 2 would stay, 2 would be deleted", cli.OutLines[^1]);

        Assert.Equal(0, await cli.RunAsync("retain", "--keep-last", "2", "--name", "training", "--json", "--prune"));
        Assert.Equal("dryRun kept removed snapshots prune".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));
        Assert.Equal((2, 1), (cli.Json().GetProperty("kept").GetInt32(), cli.Json().GetProperty("removed").GetInt32()));
        var decision = cli.Json().GetProperty("snapshots")[0];
        Assert.Equal("snapshot name created kept reasons".Split(' ').Order(), JsonShapeTests.Names(decision));
        Assert.Equal((first.ToString(), false), (decision.GetProperty("snapshot").GetString(), decision.GetProperty("kept").GetBoolean()));

        Assert.Equal(0, await cli.RunAsync("list", "--json"));
        Assert.Equal(
            new[] { second, third, other }.Select(id => id.ToString()).Order(),
            cli.Json().GetProperty("snapshots").EnumerateArray().Select(s => s.GetProperty("snapshot").GetString()).Order());
        Assert.Equal(0, await cli.RunAsync("check", "--data"));
    }

    [Fact]
    public async Task Prune_shows_its_plan_and_frees_what_nobody_names()
    {
        await using var repository = await TestRepository.CreateAsync();
        var kept = await repository.AddAsync("kept", Time);
        var gone = await repository.AddAsync("gone", Time);
        using var cli = Cli(repository);
        Assert.Equal(0, await cli.RunAsync("delete", gone.ToString()));
        Age(repository);

        Assert.Equal(0, await cli.RunAsync("prune", "--dry-run"));
        Assert.Contains("unreferenced-pack", cli.Out, StringComparison.Ordinal);
        Assert.StartsWith("dry run: nothing was changed", cli.OutLines[^1], StringComparison.Ordinal);
        Assert.Equal(2, repository.Files("packs").Count);

        Assert.Equal(0, await cli.RunAsync("prune", "--json", "--repack"));
        Assert.Equal(
            "dryRun snapshots writers storeTime before packsInUse bytesInUse young youngBytes deletions repacks deleted bytesFreed repacked bytesRewritten findings"
                .Split(' ').Order(),
            JsonShapeTests.Names(cli.Json()));
        Assert.Equal(2, cli.Json().GetProperty("deleted").GetInt32());
        Assert.Equal("name bytes reason".Split(' ').Order(), JsonShapeTests.Names(cli.Json().GetProperty("deletions")[0]));
        Assert.Single(repository.Files("packs"));
        Assert.Equal(0, await cli.RunAsync("check", "--data"));
        Assert.StartsWith("sound: 1 snapshot,", cli.OutLines[^1], StringComparison.Ordinal);
        Assert.Equal(0, await cli.RunAsync("show", kept.ToString()));
    }

    [Fact]
    public async Task A_damaged_repository_is_not_pruned_and_the_error_says_why()
    {
        await using var repository = await TestRepository.CreateAsync();
        await repository.AddAsync("a", Time);
        File.Delete(Assert.Single(repository.Files("maps")));
        using var cli = Cli(repository);
        Assert.Equal(4, await cli.RunAsync("prune", "--json"));
        var error = cli.Json().GetProperty("error");
        Assert.Equal("prune-refused", error.GetProperty("code").GetString());
        Assert.Contains("checkpointer delete", error.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.Equal(4, await cli.RunAsync("check", "--json"));
        var finding = cli.Json().GetProperty("findings")[0];
        Assert.Equal("map-missing", finding.GetProperty("code").GetString());
        Assert.Single(finding.GetProperty("snapshots").EnumerateArray());
        Assert.Equal(4, await cli.RunAsync("check"));
        Assert.Contains("    harms: ", cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sample_says_what_it_took()
    {
        await using var repository = await TestRepository.CreateAsync();
        await repository.AddAsync("a", Time);
        using var cli = Cli(repository);
        Assert.Equal(0, await cli.RunAsync("check", "--data-sample", "50", "--seed", "7", "--json"));
        Assert.Equal((50, 7), (cli.Json().GetProperty("samplePercent").GetInt32(), cli.Json().GetProperty("seed").GetInt32()));
        Assert.Equal(0, await cli.RunAsync("check", "--references"));
    }

    [Fact]
    public async Task Stats_count_what_each_snapshot_adds()
    {
        await using var repository = await TestRepository.CreateAsync();
        var first = await repository.AddAsync("training", Time);
        await repository.AddAsync("training", Time, first);
        using var cli = Cli(repository);
        Assert.Equal(0, await cli.RunAsync("stats"));
        Assert.Contains(cli.OutLines, l => l.StartsWith("dedupe", StringComparison.Ordinal));
        Assert.Equal(0, await cli.RunAsync("stats", "--json"));
        Assert.Equal(
            "bytesCaptured bytesStored packs unreferencedBytes unfinished unfinishedBytes deadBytes dedupeRatio compressionRatio damaged snapshots".Split(' ').Order(),
            JsonShapeTests.Names(cli.Json()));
        var snapshots = cli.Json().GetProperty("snapshots").EnumerateArray().ToList();
        Assert.Equal(2, snapshots.Count);
        Assert.True(snapshots[0].GetProperty("newChunkBytes").GetInt64() > 0);
    }

    [Fact]
    public async Task Locks_are_shown_and_removed()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var cli = Cli(repository);
        Directory.CreateDirectory(Path.Combine(repository.Path, "locks", "writers"));
        var garbage = Path.Combine(repository.Path, "locks", "writers", new string('a', 32));
        await File.WriteAllTextAsync(garbage, "garbage");

        Assert.Equal(0, await cli.RunAsync("unlock", "--json"));
        Assert.Equal("removed locks".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));
        var entry = Assert.Single(cli.Json().GetProperty("locks").EnumerateArray());
        Assert.Equal("name kind state holder snapshot ageSeconds removed".Split(' ').Order(), JsonShapeTests.Names(entry));
        Assert.Equal(("writer", "unreadable", false), (
            entry.GetProperty("kind").GetString(), entry.GetProperty("state").GetString(), entry.GetProperty("removed").GetBoolean()));

        Assert.Equal(0, await cli.RunAsync("unlock", "--all"));
        Assert.Contains("warning", cli.Err, StringComparison.Ordinal);
        Assert.Equal("1 locks, 1 removed", cli.OutLines[^1]);
        Assert.False(File.Exists(garbage));
    }

    [Theory]
    [InlineData("retain")]
    [InlineData("retain", "--keep-last", "0")]
    [InlineData("retain", "--keep-last", "1", "--lineage", "x")]
    [InlineData("retain", "--keep-last", "1", "--name", "a", "--lineage", "b")]
    [InlineData("prune", "--max-dead", "30")]
    [InlineData("prune", "--max-dead", "100", "--repack")]
    [InlineData("prune", "--grace", "soon")]
    [InlineData("check", "--data", "--data-sample", "5")]
    [InlineData("check", "--seed", "5")]
    [InlineData("check", "--data-sample", "0")]
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] arguments)
    {
        await using var repository = await TestRepository.CreateAsync();
        using var cli = Cli(repository);
        Assert.Equal(2, await cli.RunAsync(arguments));
    }

    private static TestCli Cli(TestRepository repository)
    {
        var cli = new TestCli { IsRoot = false };
        cli.Environment["CHECKPOINTER_REPO"] = repository.Path;
        cli.Environment["CHECKPOINTER_KEY_FILE"] = repository.KeyFile;
        return cli;
    }

    /// <summary>Two days pass for everything that was written.</summary>
    private static void Age(TestRepository repository)
    {
        foreach (var file in repository.Files("packs").Concat(repository.Files("maps")))
        {
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-2));
        }
    }
}
