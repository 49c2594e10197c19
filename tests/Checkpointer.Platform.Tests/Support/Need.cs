using System.Globalization;

namespace Checkpointer.Platform.Tests;

/// <summary>Skips a test, with the reason, where the machine cannot run it.</summary>
internal static class Need
{
    public static void Root()
    {
        if (Host.EffectiveUid != 0 || !Host.HasCapability("CAP_SYS_ADMIN"))
        {
            Assert.Skip("needs root with CAP_SYS_ADMIN");
        }
    }

    public static void Nftables(int pid)
    {
        if (!NftTestTable.IsSupported(pid))
        {
            Assert.Skip("this kernel has no nftables");
        }
    }

    /// <summary>The loopback interface of a process's network namespace is up.</summary>
    public static void Loopback(int pid)
    {
        if (!File.Exists("/usr/sbin/ip") && !File.Exists("/sbin/ip") && !File.Exists("/usr/bin/ip"))
        {
            Assert.Skip("needs ip(8), to set an interface up");
        }

        using Child ip = Child.Start("nsenter", "--net", "--target", pid.ToString(CultureInfo.InvariantCulture), "ip", "link", "set", "lo", "up");
        ip.WaitForExit();
    }
}
