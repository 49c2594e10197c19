using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class CriuStatsTests
{
    // Written by CRIU 4.2.1.
    private const string DumpFile =
        "4059105506330957250000000a2308810410b2960218eb29208316289c0e300038b90d4000480050085808600068007000";

    private const string RestoreFile = "40591055063309570f000000120d08001000180520af8b0528b90d";

    [Fact]
    public void A_dump_is_read()
    {
        DumpStats stats = CriuStats.ParseDump(Convert.FromHexString(DumpFile))!;

        Assert.Equal(TimeSpan.FromMicroseconds(513), stats.Freezing);
        Assert.Equal(TimeSpan.FromMicroseconds(35634), stats.Frozen);
        Assert.Equal(TimeSpan.FromMicroseconds(5355), stats.MemoryDump);
        Assert.Equal(TimeSpan.FromMicroseconds(2819), stats.MemoryWrite);
        Assert.Equal(1820, stats.PagesScanned);
        Assert.Equal(1721, stats.PagesWritten);
    }

    [Fact]
    public void A_restore_is_read()
    {
        RestoreStats stats = CriuStats.ParseRestore(Convert.FromHexString(RestoreFile))!;

        Assert.Equal(TimeSpan.FromMicroseconds(83375), stats.Restore);
        Assert.Equal(1721, stats.PagesRestored);
    }

    [Fact]
    public void A_dump_is_no_restore()
    {
        Assert.Null(CriuStats.ParseRestore(Convert.FromHexString(DumpFile)));
        Assert.Null(CriuStats.ReadDump(Path.Combine(Path.GetTempPath(), "no-such-directory")));
    }

    [Fact]
    public void No_cut_and_no_flipped_byte_makes_it_throw()
    {
        byte[] file = Convert.FromHexString(DumpFile);
        for (int i = 0; i < file.Length; i++)
        {
            CriuStats.ParseDump(file.AsSpan(0, i));
            byte[] flipped = [.. file];
            flipped[i] ^= 0xff;
            CriuStats.ParseDump(flipped);
        }
    }
}
