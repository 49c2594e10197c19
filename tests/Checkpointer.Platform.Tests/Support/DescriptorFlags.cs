using System.Globalization;
using System.Runtime.InteropServices;

namespace Checkpointer.Platform.Tests;

/// <summary>What the kernel says of a descriptor of ours.</summary>
internal static class DescriptorFlags
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;

    public static bool IsCloseOnExec(SafeHandle handle) => (Read(handle) & CloseOnExec) != 0;

    public static bool IsNonBlocking(SafeHandle handle) => (Read(handle) & NonBlocking) != 0;

    private static int Read(SafeHandle handle)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{handle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture)}")
            .First(text => text.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), 8);
    }
}
