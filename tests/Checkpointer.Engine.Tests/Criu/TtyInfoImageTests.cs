using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class TtyInfoImageTests
{
    // Written by CRIU 4.2.1 for an external terminal of session 22434.
    private const string Image =
        "1943565436304559e700000008ea0f100518002000280030a2af0138a2af01408090024a6608800a100518bf0120bb94022800300038004083b8fcab01408480044091a66840929edcb0014000400040"
        + "00400040e0a8eaa90c4097ac0140e0a8eaa90c4097ac0140f0a8eaa90c4097ac0140f0a8eaa90c4097ac014080a9eaa90c4097ac014080a9eaa90c52560800100018000200280030003800400040004000400040"
        + "00400040004000";

    [Fact]
    public void A_session_from_outside_is_cleared_without_moving_a_byte()
    {
        byte[] edited = TtyInfoImage.WithoutForeignSessions(Valid(), new HashSet<int> { 7 });

        Assert.Equal(Valid().Length, edited.Length);
        Assert.Equal([0x08, 1, 0x30, 0x80, 0x80, 0x00, 0x38, 0], edited[12..20]);
        Assert.Equal([0x08, 2, 0x30, 7, 0x38, 7], edited[24..]);
    }

    [Fact]
    public void A_session_of_the_tree_stays()
    {
        Assert.Equal(Valid(), TtyInfoImage.WithoutForeignSessions(Valid(), new HashSet<int> { 22434, 7 }));
    }

    [Fact]
    public void An_image_that_is_cut_is_left_to_CRIU()
    {
        byte[] real = Convert.FromHexString(Image);
        for (int i = 0; i < real.Length; i++)
        {
            byte[] edited = TtyInfoImage.WithoutForeignSessions(real.AsSpan(0, i), new HashSet<int>());
            Assert.Equal(i, edited.Length);
        }

        Assert.Equal(Valid()[..^1], TtyInfoImage.WithoutForeignSessions(Valid().AsSpan(0, Valid().Length - 1), new HashSet<int>()));
    }

    // The same shape, small: two entries of fields 1 (id), 6 (session), 7 (group).
    private static byte[] Valid()
    {
        return
        [
            1, 2, 3, 4, 5, 6, 7, 8,
            8, 0, 0, 0, 0x08, 1, 0x30, 0xa2, 0xaf, 0x01, 0x38, 5,
            6, 0, 0, 0, 0x08, 2, 0x30, 7, 0x38, 7,
        ];
    }
}
