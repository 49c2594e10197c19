using System.Text;
using Checkpointer.Engine.Streaming;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Streaming;

public sealed class ControlMessageTests
{
    [Theory]
    [InlineData("inventory.img")]
    [InlineData("pages-1.img")]
    [InlineData("pagemap-shmem-4242.img")]
    [InlineData("tmpfs-dev-27.tar.gz.img")]
    public void A_request_names_its_file(string name)
    {
        byte[] message = FakeCriu.Request(name);

        Assert.Equal(message.Length - 4, ControlMessages.ParseLength(message.AsSpan(0, 4)));
        Assert.Equal(name, ControlMessages.ParseRequest(message.AsSpan(4)));
    }

    [Theory]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(255)]
    public void Names_up_to_the_limit_are_taken(int length)
    {
        string name = new('a', length);

        Assert.Equal(name, ControlMessages.ParseRequest(FakeCriu.Request(name).AsSpan(4)));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(300)]
    public void A_longer_name_is_refused_by_its_length_alone(int length) =>
        Refused(() => ControlMessages.ParseLength(FakeCriu.Request(new string('a', length)).AsSpan(0, 4)));

    [Theory]
    [InlineData(0u)]
    [InlineData(2u)]
    [InlineData(uint.MaxValue)]
    [InlineData(0x80000000u)]
    public void An_absurd_length_is_refused(uint length) => Refused(() => ControlMessages.ParseLength(BitConverter.GetBytes(length)));

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("-option")]
    [InlineData("new\nline")]
    [InlineData("nul\0byte")]
    [InlineData("space bar")]
    public void A_name_that_no_image_has_is_refused(string name) => Refused(() => ControlMessages.ParseRequest(FakeCriu.Request(name).AsSpan(4)));

    [Fact]
    public void Bytes_beyond_ascii_are_refused() => Refused(() => ControlMessages.ParseRequest([0x0A, 3, (byte)'a', 0xC3, 0xA9]));

    [Theory]
    [InlineData(new byte[] { 0x0A, 5, 97, 98, 99 })] // says more than there is
    [InlineData(new byte[] { 0x0A, 1, 97, 98, 99 })] // says less
    [InlineData(new byte[] { 0x12, 3, 97, 98, 99 })] // another field
    [InlineData(new byte[] { 0x08, 1, 97 })] // another type
    [InlineData(new byte[] { 0x0A, 0x83, 0x80, 97, 98, 99 })] // an endless varint
    [InlineData(new byte[] { 0x0A, 0x83, 0x00 })]
    public void A_malformed_message_is_refused(byte[] message) => Refused(() => ControlMessages.ParseRequest(message));

    [Fact]
    public void Random_messages_are_either_names_or_refused()
    {
        Random random = new(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] message = new byte[random.Next(3, ControlMessages.MaxRequestBytes + 1)];
            random.NextBytes(message);
            message[0] = 0x0A;
            message[1] = (byte)random.Next(256);
            try
            {
                Assert.True(ImageNames.IsValid(Encoding.ASCII.GetBytes(ControlMessages.ParseRequest(message))));
            }
            catch (OperationFailedException e)
            {
                Assert.Equal("stream-protocol", e.Code);
            }
        }
    }

    [Fact]
    public void Replies_are_the_bytes_that_criu_reads()
    {
        Assert.Equal([2, 0, 0, 0, 8, 1], ControlMessages.Reply(true));
        Assert.Equal([2, 0, 0, 0, 8, 0], ControlMessages.Reply(false));
    }

    [Theory]
    [InlineData("pages-12.img", FileKind.Pages, true)]
    [InlineData("ghost-file-1.img", FileKind.Bytes, true)]
    [InlineData("pipes-data.img", FileKind.Bytes, true)]
    [InlineData("pagemap-1.img", FileKind.Bytes, false)]
    [InlineData("core-1.img", FileKind.Bytes, false)]
    public void Bulk_and_pages_are_known_by_name(string name, FileKind kind, bool bulk)
    {
        Assert.Equal(kind, ImageNames.KindOf(name));
        Assert.Equal(bulk, ImageNames.IsBulk(name));
    }

    private static void Refused(Action parse) => Assert.Equal("stream-protocol", Assert.Throws<OperationFailedException>(parse).Code);
}
