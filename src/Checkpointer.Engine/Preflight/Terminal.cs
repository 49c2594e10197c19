using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Device numbers of terminals, and CRIU's names for them.</summary>
internal static class Terminal
{
    private const uint VirtualConsoles = 4; // tty0..63, ttyS*
    private const uint Auxiliary = 5;       // tty, console, ptmx
    private const uint MastersFirst = 128;
    private const uint SlavesFirst = 136;
    private const uint SlavesLast = 143;
    private const uint UsbSerial = 188;
    private const uint LowDensitySerial = 204;
    private const uint CurrentMinor = 0;
    private const uint MultiplexerMinor = 2;
    private const uint SlavesPerMajor = 256;

    public static bool IsTerminal(DeviceNumber device)
    {
        return device.Major is VirtualConsoles or Auxiliary or UsbSerial or LowDensitySerial or (>= MastersFirst and <= SlavesLast);
    }

    /// <summary>A pty's master: <c>/dev/ptmx</c> or <c>/dev/pts/ptmx</c>.</summary>
    public static bool IsMaster(DeviceNumber device)
    {
        return device is { Major: Auxiliary, Minor: MultiplexerMinor };
    }

    /// <summary><c>/dev/tty</c>: whatever the process's controlling terminal is.</summary>
    public static bool IsCurrent(DeviceNumber device)
    {
        return device is { Major: Auxiliary, Minor: CurrentMinor };
    }

    /// <summary>N of <c>/dev/pts/N</c>, or null.</summary>
    public static int? SlaveIndex(DeviceNumber device)
    {
        return device.Major is >= SlavesFirst and <= SlavesLast ? (int)(((device.Major - SlavesFirst) * SlavesPerMajor) + device.Minor) : null;
    }

    /// <summary>CRIU's key for a terminal that it should not dump: <c>tty[8803:2d]</c>.</summary>
    public static string Key(FileStatus status)
    {
        return string.Create(CultureInfo.InvariantCulture, $"tty[{status.RepresentedDevice.Value:x}:{status.Device.Value:x}]");
    }
}
