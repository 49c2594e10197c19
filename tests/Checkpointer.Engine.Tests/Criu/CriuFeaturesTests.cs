using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Tests.Support;

namespace Checkpointer.Engine.Tests.Criu;

[Collection(Alone.Name)]
public sealed class CriuFeaturesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Fact]
    public async Task A_tree_with_connections_needs_the_network_lock()
    {
        TreeOptions connected = new() { TcpEstablished = true };

        Assert.Empty(await CriuFeatures.MissingAsync(Saying("network_lock_nftables", 0), connected, default));
        Finding missing = Assert.Single(await CriuFeatures.MissingAsync(Saying("network_lock_nftables", 1), connected, default));
        Assert.Equal(("network-lock-missing", FindingSeverity.Blocker), (missing.Code, missing.Severity));
    }

    [Fact]
    public async Task A_tree_without_connections_needs_nothing()
    {
        Assert.Empty(await CriuFeatures.MissingAsync(Saying("anything", 1), new TreeOptions(), default));
    }

    private CriuInstallation Saying(string feature, int exitCode)
    {
        string path = _directory.File("criu" + exitCode);
        File.WriteAllText(path, $"#!/bin/sh\n[ \"$1 $3 $4\" = 'check --feature {feature}' ] || exit 9\nexit {exitCode}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new CriuInstallation(path, CriuLocator.MinimumVersion, "");
    }
}
