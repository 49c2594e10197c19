using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Tells the service manager (systemd) how the service is. Each call answers false when nobody asked for it, that
/// is, NOTIFY_SOCKET is not set; a manager that asked but cannot be reached is a <see cref="PlatformException"/>.
/// </summary>
public static unsafe class SdNotify
{
    /// <summary>Start-up is complete.</summary>
    public static bool Ready() => Send("READY=1");

    /// <summary>The service is alive; due at least every <see cref="WatchdogInterval"/>.</summary>
    public static bool Watchdog() => Send("WATCHDOG=1");

    /// <summary>The service is shutting down.</summary>
    public static bool Stopping() => Send("STOPPING=1");

    /// <summary>One line for people, shown by <c>systemctl status</c>.</summary>
    public static bool Status(string text) => Send("STATUS=" + text.ReplaceLineEndings(" "));

    /// <summary>The manager's limit between two signs of life; null when it does not watch this process.</summary>
    public static TimeSpan? WatchdogInterval => ParseWatchdog(
        Environment.GetEnvironmentVariable("WATCHDOG_USEC"),
        Environment.GetEnvironmentVariable("WATCHDOG_PID"),
        Environment.ProcessId);

    internal static TimeSpan? ParseWatchdog(string? microseconds, string? pid, int ownPid)
    {
        bool ours = pid is null || pid == ownPid.ToString(CultureInfo.InvariantCulture);
        return ours && long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            && value is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? TimeSpan.FromMicroseconds(value)
            : null;
    }

    private static bool Send(string state)
    {
        string? target = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(target))
        {
            return false;
        }

        using UnixAddress address = target[0] == '@' ? UnixAddress.OfAbstractName(target[1..]) : UnixAddress.OfPath(target);
        using SafeFileHandle socket = Libc.Socket(Libc.AfUnix, Libc.SockDatagram | Libc.SockCloseOnExec, 0);
        if (socket.IsInvalid)
        {
            throw Libc.Failure("socket");
        }

        byte[] message = Encoding.UTF8.GetBytes(state);
        fixed (byte* to = address.Bytes)
        fixed (byte* bytes = message)
        {
            // The manager's queue may be full: a sign of life must not hang on it, so it is dropped instead.
            while (Libc.SendTo(
                socket, bytes, (nuint)message.Length, Libc.MsgNoSignal | Libc.MsgDontWait, to, (uint)address.Bytes.Length) < 0)
            {
                switch (Libc.LastError)
                {
                    case Errno.EINTR: continue;
                    case Errno.EAGAIN: return false;
                    default: throw Libc.Failure($"sendto {target}");
                }
            }
        }

        return true;
    }
}
