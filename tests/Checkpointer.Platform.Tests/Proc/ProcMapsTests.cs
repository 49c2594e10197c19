using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcMapsTests
{
    private const string Smaps = """
        556b2f5dc000-556b2f5dd000 r--p 00000000 fe:00 18705                      /root/a b/python3.11
        Size:                  4 kB
        Rss:                   4 kB
        Anonymous:             0 kB
        Swap:                  0 kB
        VmFlags: rd mr mw me sd 
        7f2b40000000-7f2b40200000 rw-p 00000000 00:10 31                         /anon_hugepage (deleted)
        Rss:                   0 kB
        Anonymous:             0 kB
        VmFlags: rd wr mr mw me de ht sd 
        7f2b4ac00000-7f2b4b400000 rw-s 00000000 00:01 1027                       /dev/zero (deleted)
        Rss:                8192 kB
        Swap:                 16 kB
        VmFlags: rd wr sh mr mw me ms sd 
        7f2b4c000000-7f2b4c021000 rw-p 00000000 00:00 0 
        Rss:                 100 kB
        Anonymous:           100 kB
        VmFlags: rd wr mr mw me nr sd 
        7ffe12345000-7ffe12366000 rw-p 00000000 00:00 0                          [stack]
        """;

    [Fact]
    public void Mappings_come_with_their_sizes_and_flags()
    {
        IReadOnlyList<ProcMapping> maps = ProcMaps.ParseDetailed(ProcText.Split(Smaps));

        Assert.Equal(5, maps.Count);
        Assert.Equal("/root/a b/python3.11", maps[0].Path);
        Assert.True(maps[0].IsFile);
        Assert.Equal(18705UL, maps[0].Inode);
        Assert.True(maps[1].IsHugeTlb);
        Assert.True(maps[1].IsDeleted);
        Assert.False(maps[1].IsShared);
        Assert.Equal("/dev/zero", maps[2].Path);
        Assert.True(maps[2].IsShared);
        Assert.Equal(8L << 20, maps[2].Resident);
        Assert.Equal(16L << 10, maps[2].Swap);
        Assert.Equal(8L << 20, maps[2].Length);
        Assert.Equal("", maps[3].Path);
        Assert.Equal(100L << 10, maps[3].Anonymous);
        Assert.Equal("[stack]", maps[4].Path);
        Assert.False(maps[4].IsFile);
    }

    [Fact]
    public void An_escaped_newline_in_a_path_is_undone()
    {
        ProcMapping map = ProcMapping.ParseLine(@"7f00-7f01 r-xp 00001000 fe:00 9                          /tmp/a\012b");

        Assert.Equal("/tmp/a\nb", map.Path);
        Assert.Equal(0x1000UL, map.Offset);
    }

    [Fact]
    public void A_file_whose_name_ends_like_a_deleted_one_without_a_slash_is_not_deleted()
    {
        Assert.False(ProcMapping.ParseLine("7f00-7f01 r-xp 00001000 00:00 0                          [anon: x (deleted)]").IsDeleted);
    }

    [Theory]
    [InlineData("Rss: 4 kB")]
    [InlineData("garbage")]
    public void Something_else_is_refused(string line)
    {
        Assert.ThrowsAny<FormatException>(() => ProcMapping.ParseLine(line));
    }

    [Fact]
    public void Our_own_memory_can_be_read()
    {
        IReadOnlyList<ProcMapping> maps = ProcMaps.ReadDetailed(Environment.ProcessId);

        Assert.Contains(maps, m => m.Path == "[stack]");
        Assert.True(maps.Sum(m => m.Resident) > 1 << 20);
    }
}
