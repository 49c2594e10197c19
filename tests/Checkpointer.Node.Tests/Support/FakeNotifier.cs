using System.Threading.Channels;

namespace Checkpointer.Node.Tests;

/// <summary>A service manager that remembers what it was told.</summary>
internal sealed class FakeNotifier : ISystemNotifier
{
    private readonly Channel<string> _told = Channel.CreateUnbounded<string>();

    public TimeSpan? WatchdogInterval { get; init; }

    public ChannelReader<string> Told => _told.Reader;

    public void Ready() => _told.Writer.TryWrite("ready");

    public void Watchdog() => _told.Writer.TryWrite("watchdog");

    public void Stopping() => _told.Writer.TryWrite("stopping");
}
