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
}
