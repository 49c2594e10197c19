namespace Checkpointer.Platform.Tests;

public class PrivilegesTests
{
    [Fact]
    public void Capabilities_are_read_from_the_effective_mask()
    {
        CapabilitySet set = Privileges.Parse("Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000200001\nCapBnd:\t0\n");
        Assert.Equal(["CAP_CHOWN", "CAP_SYS_ADMIN"], set.Names);
        Assert.True(set.Has("CAP_SYS_ADMIN"));
        Assert.True(set.Has("sys_admin"));
        Assert.False(set.Has("CAP_CHECKPOINT_RESTORE"));
        Assert.Throws<ArgumentException>(() => set.Has("CAP_SYS_ADMN"));
    }

    [Fact]
    public void The_last_capability_has_its_kernel_number() =>
        Assert.Equal(["CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"], new CapabilitySet(7UL << 38).Names);

    [Fact]
    public void Without_the_line_it_is_an_error() => Assert.Throws<HostException>(() => Privileges.Parse("Name:\tx\n"));

    [Fact]
    public void This_process_has_what_the_kernel_says() =>
        Assert.Equal(Host.HasCapability("CAP_KILL"), Privileges.EffectiveCapabilities.Names.Contains("CAP_KILL"));
}
