namespace Checkpointer.Node.Tests;

public sealed class RepositoryAccessTests
{
    private static readonly RepositoryAccess Configured = new(new Dictionary<string, RepositoryEntry>
    {
        ["main"] = new("/srv/checkpoints", "/etc/main.key"),
        ["cloud"] = new("https://x.blob.core.windows.net/c", "/etc/cloud.key"),
    });

    private static readonly RepositoryAccess Open = new(new Dictionary<string, RepositoryEntry>());

    [Theory]
    [InlineData("main", "/etc/main.key")]
    [InlineData("/srv/checkpoints", "/etc/main.key")]
    [InlineData("/srv/checkpoints/", "/etc/main.key")]
    [InlineData("file:///srv/checkpoints", "/etc/main.key")]
    [InlineData("https://x.blob.core.windows.net/c", "/etc/cloud.key")]
    public void A_configured_repository_is_found_by_name_or_url(string repository, string keyFile)
    {
        Assert.Equal(keyFile, Configured.Resolve(repository, null).KeyFile);
        Assert.Equal(keyFile, Configured.Resolve(repository, keyFile).KeyFile);
    }

    [Theory]
    [InlineData("/srv/other", null, "repository-not-configured")]
    [InlineData("/srv/checkpoints/..", null, "repository-not-configured")]
    [InlineData("Main", null, "repository-not-configured")]
    [InlineData("", null, "repository-missing")]
    [InlineData("main", "/etc/shadow", "key-file-not-configured")]
    public void Nothing_else_is_used_when_repositories_are_configured(string repository, string? keyFile, string code)
    {
        Assert.Equal(code, Assert.Throws<UsageException>(() => Configured.Resolve(repository, keyFile)).Code);
    }

    [Fact]
    public void The_only_configured_repository_need_not_be_named()
    {
        var entry = new RepositoryEntry("/srv/checkpoints", "/etc/main.key");
        var access = new RepositoryAccess(new Dictionary<string, RepositoryEntry> { ["main"] = entry });

        Assert.Equal(entry, access.Resolve(null, null));
    }

    [Fact]
    public void Without_configuration_the_request_says_which()
    {
        Assert.Equal(new RepositoryEntry("/srv/r", "/k"), Open.Resolve("/srv/r", "/k"));
        Assert.Equal("passphrase-file:/p", Open.Resolve("/srv/r", "passphrase-file:/p").KeyFile);
        Assert.Equal(new RepositoryEntry("/srv/r", NodeConfiguration.DefaultKeyFile), Open.Resolve("/srv/r", ""));
    }

    [Theory]
    [InlineData("/srv/r", "passphrase-file:p", "key-file-relative")]
    [InlineData("relative", "/k", "repository-relative")]
    [InlineData("/srv/r", "k", "key-file-relative")]
    [InlineData(null, "/k", "repository-missing")]
    public void Paths_that_mean_something_else_to_the_service_are_refused(string? repository, string keyFile, string code)
    {
        Assert.Equal(code, Assert.Throws<UsageException>(() => Open.Resolve(repository, keyFile)).Code);
    }

    [Fact]
    public async Task The_engine_gets_the_configured_repository_and_key_file()
    {
        await using var node = await NodeFixture.StartAsync(c => c with
        {
            Repositories = new Dictionary<string, RepositoryEntry> { ["main"] = new("/srv/checkpoints", "/etc/main.key") },
        });
        CheckpointRequest? seen = null;
        node.Engine.OnCheckpoint = (id, request, _, _) =>
        {
            seen = request;
            return Task.FromResult(ScriptedEngine.Result(id, request));
        };

        await node.Client.CheckpointAsync(NodeFixture.Request() with { Repository = "main", KeyFile = "" }, null, node.Deadline);
        var other = await Assert.ThrowsAsync<UsageException>(() => node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline));

        Assert.Equal(("/srv/checkpoints", "/etc/main.key"), (seen!.Repository, seen.KeyFile));
        Assert.Equal("repository-not-configured", other.Code);
    }
}
