using System.Net.Sockets;
using System.Text;

namespace Checkpointer.Platform.Tests;

public sealed class SdNotifyTests : IDisposable
{
    private const string Variable = "NOTIFY_SOCKET";

    public void Dispose() => Environment.SetEnvironmentVariable(Variable, null);

    [Fact]
    public void Without_a_manager_nothing_is_sent()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        Assert.False(SdNotify.Ready());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_manager_hears_each_state(bool isAbstract)
    {
        using TempDirectory directory = new();
        string path = isAbstract ? $"\0checkpointer-test-{Guid.NewGuid():N}" : directory["notify"];
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        manager.Bind(new UnixDomainSocketEndPoint(path));
        Environment.SetEnvironmentVariable(Variable, path.Replace('\0', '@'));
        Assert.True(SdNotify.Ready());
        Assert.True(SdNotify.Watchdog());
        Assert.True(SdNotify.Status("two\nlines"));
        Assert.True(SdNotify.Stopping());
        string[] heard = [.. Enumerable.Range(0, 4).Select(_ => Receive(manager))];
        Assert.Equal(["READY=1", "WATCHDOG=1", "STATUS=two lines", "STOPPING=1"], heard);
    }

    [Fact]
    public void A_manager_that_asked_and_is_gone_is_an_error()
    {
        using TempDirectory directory = new();
        Environment.SetEnvironmentVariable(Variable, directory["nobody"]);
        Assert.Equal(Errno.ENOENT, Assert.Throws<PlatformException>(() => SdNotify.Ready()).Errno);
    }

    [Theory]
    [InlineData("30000000", null, 30.0)]
    [InlineData("500000", "77", 0.5)]
    [InlineData("500000", "78", null)] // meant for another process
    [InlineData("0", null, null)]
    [InlineData("soon", null, null)]
    [InlineData(null, null, null)]
    public void The_watchdog_interval_is_ours_or_none(string? microseconds, string? pid, double? seconds) =>
        Assert.Equal(seconds, SdNotify.ParseWatchdog(microseconds, pid, ownPid: 77)?.TotalSeconds);

    private static string Receive(Socket manager)
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer));
    }
}
