using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class InitVerbTests
{
    [Fact]
    public async Task Init_makes_the_key_and_the_repository_and_explains_the_key()
    {
        using var directory = new TempDirectory();
        using var cli = new TestCli { IsRoot = false };
        Assert.Equal(0, await cli.RunAsync("init", "--repo", directory["r"], "--key-file", directory["k"]));

        Assert.StartsWith("repository  ", cli.OutLines[0], StringComparison.Ordinal);
        Assert.Equal($"key file    {directory["k"]} (new)", cli.OutLines[2]);
        Assert.Contains("without it nobody can read any snapshot", cli.Err, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["k"]));
        Assert.Equal(0, await cli.RunAsync("list", "--repo", directory["r"], "--key-file", directory["k"]));
    }

    [Fact]
    public async Task An_existing_key_is_used_and_never_changed()
    {
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        await cli.RunAsync("init", "--repo", directory["a"], "--key-file", directory["k"]);
        var before = await File.ReadAllTextAsync(directory["k"], TestContext.Current.CancellationToken);

        Assert.Equal(0, await cli.RunAsync("init", "--repo", directory["b"], "--key-file", directory["k"], "--json"));
        Assert.Equal("repository id keyFile keyId keyCreated".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));
        Assert.False(cli.Json().GetProperty("keyCreated").GetBoolean());
        Assert.Equal("", cli.Err);
        Assert.Equal(before, await File.ReadAllTextAsync(directory["k"], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_second_init_of_a_repository_changes_nothing()
    {
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        await cli.RunAsync("init", "--repo", directory["r"], "--key-file", directory["k"]);
        Assert.Equal(4, await cli.RunAsync("init", "--repo", directory["r"], "--key-file", directory["k"], "--json"));
        Assert.Equal("repository-exists", cli.Json().GetProperty("error").GetProperty("code").GetString());

        // With another key file, which it would have to make: it is not left behind.
        Assert.Equal(4, await cli.RunAsync("init", "--repo", directory["r"], "--key-file", directory["other"]));
        Assert.False(File.Exists(directory["other"]));
        Assert.Equal(0, await cli.RunAsync("list", "--repo", directory["r"], "--key-file", directory["k"]));
    }

    [Fact]
    public async Task Something_else_in_place_of_the_key_is_refused_and_kept()
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory["k"], "not a key", TestContext.Current.CancellationToken);
        using var cli = new TestCli();
        Assert.Equal(4, await cli.RunAsync("init", "--repo", directory["r"], "--key-file", directory["k"]));
        Assert.Equal("not a key", await File.ReadAllTextAsync(directory["k"], TestContext.Current.CancellationToken));
        Assert.False(Directory.Exists(directory["r"]));
    }

    [Fact]
    public async Task An_unknown_kind_of_repository_is_wrong_usage()
    {
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync("init", "--repo", "ftp://host/x", "--key-file", directory["k"]));
        Assert.False(File.Exists(directory["k"]));
    }
}
