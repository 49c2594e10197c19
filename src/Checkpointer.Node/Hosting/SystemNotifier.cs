using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>What the service tells its service manager; a seam for tests.</summary>
internal interface ISystemNotifier
{
    /// <summary>How often the manager wants a sign of life, or null: not at all.</summary>
    TimeSpan? WatchdogInterval { get; }

    void Ready();

    void Watchdog();

    void Stopping();
}

/// <summary>
/// Tells systemd; does nothing where systemd did not start us. A manager that cannot be reached is logged: it is no reason to
/// stop.
/// </summary>
internal sealed class SystemdNotifier(ILogger<SystemdNotifier> logger) : ISystemNotifier
{
    public TimeSpan? WatchdogInterval => SdNotify.WatchdogInterval;

    public void Ready() => Tell(SdNotify.Ready);

    public void Watchdog() => Tell(SdNotify.Watchdog);

    public void Stopping() => Tell(SdNotify.Stopping);

    private void Tell(Func<bool> what)
    {
        try
        {
            what();
        }
        catch (PlatformException e)
        {
            NodeLog.NotifyFailed(logger, e.Message);
        }
    }
}
