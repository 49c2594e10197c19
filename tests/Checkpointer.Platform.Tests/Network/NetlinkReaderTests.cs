namespace Checkpointer.Platform.Tests;

public class NetlinkReaderTests
{
    private static readonly byte[] Message =
        new NetlinkMessage().Begin(0xa00, 2, 7, family: 1, resourceId: 0).Text(9, "other").Text(1, "CRIU-1").ToArray();

    [Fact]
    public void What_is_built_is_read_back()
    {
        NetlinkReader reader = new([.. Message, .. Message]);
        Assert.True(reader.Next());
        Assert.Equal((0xa00, 2, 7U, 1), (reader.Type, reader.Flags, reader.Sequence, reader.Body[0]));
        Assert.Equal("CRIU-1", reader.Text(1));
        Assert.Equal("other", reader.Text(9));
        Assert.Null(reader.Text(5));
        Assert.True(reader.Next());
        Assert.Equal("CRIU-1", reader.Text(1));
        Assert.False(reader.Next());
    }

    [Fact]
    public void Any_damage_is_an_error_or_an_absent_attribute_and_never_a_crash()
    {
        Random random = new(3);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] damaged = Message[..random.Next(Message.Length + 1)];
            for (int i = 0; i < 3 && damaged.Length > 0; i++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            try
            {
                NetlinkReader reader = new(damaged);
                while (reader.Next())
                {
                    reader.Text(1);
                }
            }
            catch (PlatformException malformed)
            {
                Assert.Equal("netlink-malformed", malformed.Code);
            }
        }
    }
}
