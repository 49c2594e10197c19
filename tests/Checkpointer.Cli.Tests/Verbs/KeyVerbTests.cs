using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class KeyVerbTests
{
    private const string Words = "correct horse battery";
    private static readonly string[] KeyFields = "id kind label created inUse trust iterations".Split(' ');

    [Fact]
    public async Task A_key_file_is_made_added_listed_and_removed()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var directory = new TempDirectory();
        using var cli = new TestCli { IsRoot = false };
        string[] place = ["--repo", repository.Path, "--key-file", repository.KeyFile];

        Assert.Equal(0, await cli.RunAsync(["key", "add", "--new-key-file", directory["b"], "--label", "pool b", "--json", .. place]));
        Assert.Equal("added isNew removed keyFile keyCreated".Split(' ').Order(), JsonShapeTests.Names(cli.Json()));
        Assert.Equal(KeyFields.Order(), JsonShapeTests.Names(cli.Json().GetProperty("added")));
        Assert.True(cli.Json().GetProperty("isNew").GetBoolean());
        Assert.True(cli.Json().GetProperty("keyCreated").GetBoolean());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory["b"]));

        Assert.Equal(0, await cli.RunAsync(["key", "list", .. place]));
        Assert.Equal(3, cli.OutLines.Length);
        Assert.Contains("in use", cli.OutLines[1], StringComparison.Ordinal);
        Assert.Contains("pool b", cli.OutLines[2], StringComparison.Ordinal);

        Assert.Equal(0, await cli.RunAsync("list", "--repo", repository.Path, "--key-file", directory["b"]));
        Assert.Equal(0, await cli.RunAsync(["key", "remove", "pool b", .. place]));
        Assert.Equal(4, await cli.RunAsync("list", "--repo", repository.Path, "--key-file", directory["b"]));
        Assert.Equal(0, await cli.RunAsync(["key", "list", "--json", .. place]));
        Assert.Equal("key-file", Assert.Single(cli.Json().GetProperty("keys").EnumerateArray()).GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Rotation_to_a_passphrase_that_is_asked_for()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var cli = new TestCli();
        cli.Secrets.Enqueue(Words);
        string[] rotate = ["key", "rotate", "--new-passphrase-file", "-", "--repo", repository.Path, "--key-file", repository.KeyFile];
        Assert.Equal(0, await cli.RunAsync(rotate));
        Assert.StartsWith("added ", cli.OutLines[0], StringComparison.Ordinal);
        Assert.StartsWith("removed ", cli.OutLines[1], StringComparison.Ordinal);
        Assert.Equal(4, await cli.RunAsync("list", "--repo", repository.Path, "--key-file", repository.KeyFile));

        cli.Secrets.Enqueue(Words);
        Assert.Equal(0, await cli.RunAsync("list", "--repo", repository.Path, "--passphrase-file", "-"));
        cli.Environment["CHECKPOINTER_PASSPHRASE"] = Words;
        Assert.Equal(0, await cli.RunAsync("list", "--repo", repository.Path));
        cli.Environment["CHECKPOINTER_PASSPHRASE"] = "something else";
        Assert.Equal(4, await cli.RunAsync("list", "--repo", repository.Path, "--json"));
        Assert.Equal("wrong-key", cli.Json().GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain("something else", cli.Out + cli.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_types_a_new_passphrase_twice()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var cli = new TestCli { InIsTerminal = true };
        cli.Secrets.Enqueue(Words);
        cli.Secrets.Enqueue(Words + "!");
        string[] add = ["key", "add", "--new-passphrase-file", "-", "--repo", repository.Path, "--key-file", repository.KeyFile];
        Assert.Equal(2, await cli.RunAsync(add));
        Assert.Contains("are not the same", cli.Err, StringComparison.Ordinal);
        Assert.Single(repository.Files("keys"));
    }

    [Fact]
    public async Task A_passphrase_file_opens_and_makes_repositories()
    {
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        await File.WriteAllTextAsync(directory["p"], Words + "\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(directory["p"], UnixFileMode.UserRead);
        Assert.Equal(0, await cli.RunAsync("init", "--repo", directory["r"], "--passphrase-file", directory["p"]));
        Assert.Equal("key         a passphrase", cli.OutLines[2]);
        cli.Environment["CHECKPOINTER_PASSPHRASE_FILE"] = directory["p"];
        Assert.Equal(0, await cli.RunAsync("list", "--repo", directory["r"]));
        Assert.DoesNotContain("warning", cli.Err, StringComparison.Ordinal);

        File.SetUnixFileMode(directory["p"], UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Equal(0, await cli.RunAsync("list", "--repo", directory["r"]));
        Assert.StartsWith("warning: ", cli.ErrLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_name_the_passphrases_file_and_never_the_passphrase()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--passphrase-file", "/run/p"));
        Assert.Equal("passphrase-file:/run/p", Assert.Single(cli.Embedded.Checkpoints).KeyFile);

        cli.Environment["CHECKPOINTER_PASSPHRASE"] = Words;
        Assert.Equal(2, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x"));
        Assert.Contains("needs its key in a file", cli.Err, StringComparison.Ordinal);

        // The service has a key of its own: the variable is meant for other verbs.
        cli.Services.Add("/s");
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "1", "--socket", "/s"));
        Assert.Equal("", Assert.Single(cli.Service.Checkpoints).KeyFile);
    }

    [Theory]
    [InlineData("key")]
    [InlineData("key", "add")]
    [InlineData("key", "add", "--new-key-file", "/a", "--new-passphrase-file", "/b")]
    [InlineData("key", "rotate")]
    [InlineData("key", "remove")]
    [InlineData("key", "list", "--key-file", "/a", "--passphrase-file", "/b")]
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] arguments)
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync([.. arguments, "--repo", "/nowhere"]));
    }

    [Fact]
    public async Task The_last_key_is_kept_with_exit_code_4()
    {
        await using var repository = await TestRepository.CreateAsync();
        using var cli = new TestCli();
        await cli.RunAsync("key", "list", "--json", "--repo", repository.Path, "--key-file", repository.KeyFile);
        var id = cli.Json().GetProperty("keys")[0].GetProperty("id").GetString()!;
        Assert.Equal(4, await cli.RunAsync("key", "remove", id, "--force", "--json", "--repo", repository.Path, "--key-file", repository.KeyFile));
        Assert.Equal("key-last", cli.Json().GetProperty("error").GetProperty("code").GetString());
    }
}
