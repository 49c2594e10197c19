using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class CopyVerbTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public async Task Everything_is_copied_verified_and_found_there_the_second_time()
    {
        await using var source = await TestRepository.CreateAsync();
        await using var target = await TestRepository.CreateAsync();
        var first = await source.AddAsync("training", Time);
        var second = await source.AddAsync("training", Time, first);
        var other = await source.AddAsync("other", Time);
        using var cli = new TestCli();
        string[] places = ["--repo", source.Path, "--key-file", source.KeyFile, "--to", target.Path, "--to-key-file", target.KeyFile];

        Assert.Equal(0, await cli.RunAsync(["copy", "--name", "training", "--dry-run", .. places]));
        Assert.False(Directory.Exists(Path.Combine(target.Path, "snapshots")));
        Assert.StartsWith("2 to be copied, 0 there already, 0 failed", cli.OutLines[^1], StringComparison.Ordinal);

        Assert.Equal(0, await cli.RunAsync(["copy", "--all", "--verify", "--json", .. places]));
        Assert.Equal("target dryRun copied alreadyThere failed bytesStored snapshots".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));
        var snapshots = cli.Json().GetProperty("snapshots").EnumerateArray().ToList();
        Assert.Equal(
            "snapshot outcome bytesCaptured bytesStored verified code message".Split(' ').Order(), JsonShapeTests.Names(snapshots[0]));
        Assert.All(snapshots, s => Assert.Equal(("copied", true), (s.GetProperty("outcome").GetString(), s.GetProperty("verified").GetBoolean())));
        Assert.Equal(
            new[] { first, second, other }.Select(id => id.ToString()).Order(),
            snapshots.Select(s => s.GetProperty("snapshot").GetString()).Order());

        Assert.Equal(0, await cli.RunAsync(["copy", second.ToString(), .. places]));
        Assert.Contains("already-there", cli.OutLines[0], StringComparison.Ordinal);
        Assert.Equal(0, await cli.RunAsync("check", "--data", "--repo", target.Path, "--key-file", target.KeyFile));
        Assert.Equal(0, await cli.RunAsync("show", second.ToString(), "--json", "--repo", target.Path, "--key-file", target.KeyFile));
        Assert.Equal(first.ToString(), cli.Json().GetProperty("parent").GetString());
    }

    [Fact]
    public async Task A_damaged_snapshot_is_told_with_exit_code_4_and_the_others_are_copied()
    {
        await using var source = await TestRepository.CreateAsync();
        await using var target = await TestRepository.CreateAsync();
        await source.AddAsync("a", Time);
        File.Delete(Assert.Single(source.Files("packs")));
        await source.AddAsync("b", Time);
        using var cli = new TestCli();
        Assert.Equal(4, await cli.RunAsync(
            "copy", "--all", "--json", "--repo", source.Path, "--key-file", source.KeyFile, "--to", target.Path, "--to-key-file", target.KeyFile));
        Assert.Equal((1, 1), (cli.Json().GetProperty("copied").GetInt32(), cli.Json().GetProperty("failed").GetInt32()));
        Assert.Contains(
            cli.Json().GetProperty("snapshots").EnumerateArray(), s => s.GetProperty("code").GetString() == "repository-damaged");
    }

    [Theory]
    [InlineData("copy", "--all")]
    [InlineData("copy", "--to", "/nowhere")]
    [InlineData("copy", "--to", "/nowhere", "--all", "--name", "x")]
    [InlineData("copy", "--to", "/nowhere", "--all", "3f9c")]
    [InlineData("copy", "--to", "/nowhere", "--all", "--to-key-file", "a", "--to-passphrase-file", "b")]
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] arguments)
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync([.. arguments, "--repo", "/nowhere"]));
    }

    [Fact]
    public async Task A_missing_target_or_name_and_the_same_repository_are_told()
    {
        await using var source = await TestRepository.CreateAsync();
        await source.AddAsync("a", Time);
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        string[] from = ["copy", "--all", "--json", "--repo", source.Path, "--key-file", source.KeyFile];
        Assert.Equal(4, await cli.RunAsync([.. from, "--to", directory["none"]]));
        Assert.Equal("repository-not-found", cli.Json().GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(2, await cli.RunAsync([.. from, "--to", source.Path]));
        Assert.Equal("copy-same-repository", cli.Json().GetProperty("error").GetProperty("code").GetString());
    }
}
