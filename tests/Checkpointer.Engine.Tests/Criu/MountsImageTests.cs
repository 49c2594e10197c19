using System.Text;
using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class MountsImageTests
{
    // mnt_id 1024, mountpoint, deleted, sb_flags; in the order in which CRIU writes them.
    private static readonly byte[] Deleted = [0x10, 0x80, 0x08, 0x3a, 2, (byte)'/', (byte)'a', 0x80, 0x01, 1, 0x88, 0x01, 0];
    private static readonly byte[] External = [0x92, 0x01, 2, (byte)'m', (byte)'7'];
    private const int DeletedValue = 9;
    private const int HeadBytes = 12; // the magic, and the length of the first entry

    [Fact]
    public void An_external_mounts_deleted_source_is_not_told()
    {
        byte[] expected = Image([.. Deleted, .. External]);
        expected[HeadBytes + DeletedValue] = 0;
        Assert.Equal(expected, MountsImage.WithoutDeletedSources(Image([.. Deleted, .. External])));
    }

    [Fact]
    public void A_mount_that_CRIU_makes_itself_stays()
    {
        byte[] image = Image(Deleted);
        Assert.Equal(image, MountsImage.WithoutDeletedSources(image));
    }

    [Fact]
    public void Each_mount_is_looked_at()
    {
        byte[] edited = MountsImage.WithoutDeletedSources([.. Image(Deleted), .. Image([.. Deleted, .. External]).AsSpan(HeadBytes - sizeof(int))]);
        Assert.Equal(1, edited[HeadBytes + DeletedValue]);
        Assert.Equal(0, edited[HeadBytes + Deleted.Length + sizeof(int) + DeletedValue]);
    }

    [Fact]
    public void An_image_that_is_cut_is_left_to_CRIU()
    {
        byte[] whole = Image([.. Deleted, .. External]);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] cut = whole[..i];
            Assert.Equal(cut, MountsImage.WithoutDeletedSources(cut));
        }
    }

    [Theory]
    [InlineData("mountpoints-13.img", true)]
    [InlineData("mnt-13.img", false)]
    public void The_mounts_of_a_namespace_are_known_by_their_name(string name, bool are) => Assert.Equal(are, MountsImage.IsName(name));

    private static byte[] Image(byte[] entry) => [.. Encoding.ASCII.GetBytes("8 bytes."), (byte)entry.Length, 0, 0, 0, .. entry];
}
