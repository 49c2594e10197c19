using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public sealed class DescriptorPassingTests : IDisposable
{
    private readonly UnixConnection _near;
    private readonly UnixConnection _far;
    private readonly PipePair _pipe = Fds.Pipe();

    public DescriptorPassingTests()
    {
        (_near, _far) = UnixConnection.Pair();
        _near.Timeout = TimeSpan.FromSeconds(60);
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
        _pipe.Dispose();
    }

    [Fact]
    public void A_passed_fd_is_the_same_open_file_and_close_on_exec()
    {
        _far.SendFd(_pipe.Writer);
        using SafeFileHandle received = _near.ReceiveFd();
        Assert.True(DescriptorFlags.IsCloseOnExec(received));
        Fds.WriteAll(received, [42]);
        byte[] one = new byte[1];
        Assert.Equal(1, Fds.Read(_pipe.Reader, one));
        Assert.Equal(42, one[0]);
    }

    [Fact]
    public void Fds_between_messages_arrive_in_their_places()
    {
        _far.Write([1, 2, 3, 4]);
        _far.SendFd(_pipe.Reader);
        _far.Write([5, 6, 7, 8]);
        _far.SendFd(_pipe.Writer);
        byte[] four = new byte[4];
        Assert.True(_near.ReadExactly(four));
        using SafeFileHandle reader = _near.ReceiveFd();
        Assert.True(_near.ReadExactly(four));
        Assert.Equal([5, 6, 7, 8], four);
        using SafeFileHandle writer = _near.ReceiveFd();
        Fds.WriteAll(writer, [9]);
        Assert.Equal(1, Fds.Read(reader, four));
    }

    [Fact]
    public void A_byte_without_fd_is_refused()
    {
        _far.Write([0]);
        Assert.Equal("fd-missing", Assert.Throws<PlatformException>(() => _near.ReceiveFd()).Code);
    }

    [Fact]
    public void The_end_where_an_fd_belongs_is_an_error()
    {
        _far.Dispose();
        Assert.Equal("connection-closed", Assert.Throws<PlatformException>(() => _near.ReceiveFd()).Code);
    }

    [Theory]
    [InlineData(2)] // what the padding of a buffer for one would let through
    [InlineData(16)]
    [InlineData(17)] // more than there is room for: truncated by the kernel
    [InlineData(100)]
    public void Several_or_truncated_fds_are_refused_and_all_closed(int count)
    {
        _far.SendFds(Enumerable.Repeat<SafeHandle>(_pipe.Writer, count).ToArray());
        PlatformException refused = Assert.Throws<PlatformException>(() => _near.ReceiveFd());
        Assert.Equal("fd-unexpected", refused.Code);
        Assert.Equal(count > 16, refused.Message.Contains("truncated", StringComparison.Ordinal));

        // If one copy of the writer were still open anywhere, the reader would wait instead of reaching the end.
        _pipe.Writer.Dispose();
        Assert.True(Fds.WaitReadable(_pipe.Reader, TimeSpan.FromSeconds(60), CancellationToken.None), "no copy is left");
        Assert.Equal(0, Fds.Read(_pipe.Reader, new byte[1]));
    }
}
