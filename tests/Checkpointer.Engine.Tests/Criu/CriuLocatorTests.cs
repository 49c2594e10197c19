using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Tests.Support;

namespace Checkpointer.Engine.Tests.Criu;

[Collection(Alone.Name)]
public sealed class CriuLocatorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Theory]
    [InlineData("Version: 4.2.1\nGitID: v4.2-15-gabc\n", "4.2.1", "v4.2-15-gabc")]
    [InlineData("Version: 3.17\n", "3.17", "")]
    [InlineData("Version: 4.3-dev\n", "4.3", "")]
    public void A_version_is_read(string output, string version, string git)
    {
        (Version Version, string GitId)? found = CriuLocator.ParseVersion(output);

        Assert.Equal(Version.Parse(version), found?.Version);
        Assert.Equal(git, found?.GitId);
    }

    [Fact]
    public void Something_else_has_no_version()
    {
        Assert.Null(CriuLocator.ParseVersion("hello, Version 4\n"));
    }

    [Fact]
    public void Relative_entries_of_the_path_are_not_searched()
    {
        List<string> candidates = CriuLocator.Candidates("/opt/bin::.:bin:/usr/bin", "/usr/lib/checkpointer/bin").ToList();

        Assert.Equal("/opt/bin/criu", candidates[0]);
        Assert.Equal("/usr/bin/criu", candidates[1]);
        Assert.All(candidates, c => Assert.StartsWith("/", c, StringComparison.Ordinal));
        Assert.Contains("/usr/lib/checkpointer/criu/sbin/criu", candidates);
    }

    [Fact]
    public async Task An_old_criu_is_refused_with_a_remedy()
    {
        string path = Script("echo 'Version: 3.17.1'");

        HostException error = await Assert.ThrowsAsync<HostException>(() => CriuLocator.FindAsync(path, default));

        Assert.Equal("criu-too-old", error.Code);
        Assert.Equal(ExitCode.Environment, error.ExitCode);
        Assert.Contains("3.17.1", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Remedy);
    }

    [Fact]
    public async Task A_named_criu_that_is_not_there_is_refused()
    {
        HostException error = await Assert.ThrowsAsync<HostException>(() => CriuLocator.FindAsync(_directory.File("none"), default));

        Assert.Equal("no-criu", error.Code);
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData("echo nonsense")]
    public async Task Something_that_is_no_criu_is_refused(string script)
    {
        HostException error = await Assert.ThrowsAsync<HostException>(() => CriuLocator.FindAsync(Script(script), default));

        Assert.Equal("criu-broken", error.Code);
    }

    [Fact]
    public async Task A_file_that_cannot_be_executed_is_refused()
    {
        string path = _directory.File("criu");
        await File.WriteAllTextAsync(path, "no program");

        HostException error = await Assert.ThrowsAsync<HostException>(() => CriuLocator.FindAsync(path, default));

        Assert.Equal("criu-broken", error.Code);
    }

    [Fact]
    public async Task A_new_enough_one_is_taken()
    {
        CriuInstallation criu = await CriuLocator.FindAsync(Script("echo 'Version: 4.2'; echo 'GitID: 0'"), default);

        Assert.Equal(new Version(4, 2), criu.Version);
        Assert.Equal("0", criu.GitId);
    }

    private string Script(string body)
    {
        string path = _directory.File("criu");
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
