using System.Text.Json;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class RepositoryValidateVerbTests : IDisposable
{
    private readonly string _place = Directory.CreateTempSubdirectory("checkpointer-validate-").FullName;

    [Fact]
    public async Task A_good_place_is_told_as_a_table_and_left_clean()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("repository", "validate", _place, "--size", "2M"));
        Assert.Contains("ok      create-race", cli.Out, StringComparison.Ordinal);
        Assert.EndsWith("fit for a repository\n", cli.Out, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_place));
    }

    [Fact]
    public async Task Json_has_every_check_and_the_speeds()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("repository", "validate", "--repo", _place, "--size", "2M", "--json"));
        var json = JsonDocument.Parse(cli.Out).RootElement;
        Assert.True(json.GetProperty("passed").GetBoolean());
        Assert.Equal(10, json.GetProperty("checks").GetArrayLength());
        Assert.True(json.GetProperty("uploadBytesPerSecond").GetDouble() > 0);
    }

    [Fact]
    public async Task A_place_that_cannot_be_used_is_a_repository_error()
    {
        var file = Path.Combine(_place, "file");
        await File.WriteAllTextAsync(file, "x");
        using var cli = new TestCli();
        Assert.Equal(4, await cli.RunAsync("repository", "validate", file));
        Assert.Contains(file, cli.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_is_never_repeated()
    {
        using var cli = new TestCli();
        Assert.NotEqual(0, await cli.RunAsync("repository", "validate", "azurite://127.0.0.1:9/no?sig=c2VjcmV0"));
        Assert.DoesNotContain("c2VjcmV0", cli.Out + cli.Err, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_place, recursive: true);
}
