namespace Checkpointer.Platform.Tests;

public class HostTests
{
    private const string Meminfo = "MemTotal:        4030464 kB\nMemFree:          123456 kB\nMemAvailable:    2000000 kB\n";

    [Fact]
    public void This_host_tells_its_facts()
    {
        Assert.True(Guid.TryParse(Host.BootId, out _), Host.BootId);
        Assert.Matches(@"^\d+\.\d+", Host.KernelRelease);
        Assert.NotEmpty(Host.HostName);
        Assert.NotEmpty(Host.CpuFlags);
        Assert.NotEmpty(Host.CpuModel);
        Assert.InRange(Host.MemoryAvailable, 1, Host.MemoryTotal);
    }

    [Fact]
    public void Memory_is_read_in_bytes()
    {
        Assert.Equal(4030464L * 1024, Host.MemoryLine(Meminfo, "MemTotal:"));
        Assert.Throws<HostException>(() => Host.MemoryLine(Meminfo, "MemNothing:"));
    }

    [Fact]
    public void An_x86_processor_is_read()
    {
        const string Text = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: fpu sse2 avx512f\n\n"
            + "processor\t: 1\nflags\t\t: fpu\n";
        Assert.Equal(["avx512f", "fpu", "sse2"], Host.ParseCpuFlags(Text).Order(StringComparer.Ordinal));
        Assert.Equal("Some CPU @ 2.0GHz", Host.ParseCpuModel(Text));
    }

    [Fact]
    public void An_arm_processor_is_read()
    {
        const string Text = "processor\t: 0\nFeatures\t: fp asimd crc32\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n";
        Assert.Contains("asimd", Host.ParseCpuFlags(Text));
        Assert.Equal("implementer 0x41 part 0xd0c", Host.ParseCpuModel(Text));
    }
}
