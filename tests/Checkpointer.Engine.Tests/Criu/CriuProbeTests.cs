using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Criu;

[Collection(Alone.Name)]
public sealed class CriuProbeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_preflight_without_criu_says_so_among_its_findings()
    {
        using var child = ChildProcess.Sleeping();

        var report = await Engine(_directory.File("absent")).PreflightProcessAsync(child.Pid, PreflightOptions.Default, TestContext.Current.CancellationToken);

        Assert.True(report.Refuses);
        Assert.Equal(1, report.Processes);
        var finding = Assert.Single(report.Findings, f => f.Code == "no-criu");
        Assert.Equal((FindingSeverity.Blocker, "CRIU"), (finding.Severity, finding.Subject));
        Assert.Contains(_directory.File("absent"), finding.Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo 'Version: 3.17.1'", "criu-too-old")]
    [InlineData("exit 1", "criu-broken")]
    public async Task One_that_does_not_do_is_a_finding(string script, string code)
    {
        var probe = await CriuProbe.LookAsync(Script(script), TestContext.Current.CancellationToken);

        Assert.Null(probe.Criu);
        Assert.Equal(code, Assert.Single(probe.Findings).Code);
        Assert.Equal(probe.Findings, await probe.LackingAsync(new TreeOptions(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task One_that_cannot_lock_the_network_is_a_finding_for_a_tree_with_connections()
    {
        var probe = await CriuProbe.LookAsync(
            Script("[ \"$1\" = --version ] && echo 'Version: 4.2.1' && exit 0; exit 1"), TestContext.Current.CancellationToken);

        Assert.Empty(probe.Findings);
        Assert.Empty(await probe.LackingAsync(new TreeOptions(), TestContext.Current.CancellationToken));
        var connected = await probe.LackingAsync(new TreeOptions { TcpEstablished = true }, TestContext.Current.CancellationToken);
        Assert.Equal("network-lock-missing", Assert.Single(connected).Code);
    }

    private CheckpointEngine Engine(string criu) => new(
        new EngineOptions { StateDirectory = _directory.Path, RunDirectory = _directory.File("run"), CriuPath = criu },
        NullLoggerFactory.Instance,
        TimeProvider.System);

    private string Script(string text)
    {
        var path = _directory.File("criu");
        File.WriteAllText(path, "#!/bin/sh\n" + text + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
