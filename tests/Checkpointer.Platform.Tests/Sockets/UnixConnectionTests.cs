namespace Checkpointer.Platform.Tests;

public sealed class UnixConnectionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly UnixConnection _near;
    private readonly UnixConnection _far;

    public UnixConnectionTests()
    {
        (_near, _far) = UnixConnection.Pair();
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Fact]
    public void Exact_reads_take_no_byte_too_many()
    {
        _far.Write([1, 2, 3, 4, 5]);
        byte[] four = new byte[4];
        Assert.True(_near.ReadExactly(four));
        Assert.Equal([1, 2, 3, 4], four);
        Assert.Equal(1, _near.Read(four));
        Assert.Equal(5, four[0]);
    }

    [Fact]
    public void The_end_before_the_first_byte_is_clean_and_later_an_error()
    {
        _far.Write([1, 2]);
        _far.Dispose();
        PlatformException broken = Assert.Throws<PlatformException>(() => _near.ReadExactly(new byte[4]));
        Assert.Equal("connection-closed", broken.Code);
        Assert.False(_near.ReadExactly(new byte[4]));
    }

    [Fact]
    public void A_silent_peer_is_given_up_after_the_timeout()
    {
        _near.Timeout = TimeSpan.FromMilliseconds(30);
        Assert.Throws<TimeoutException>(() => _near.ReadExactly(new byte[1]));
        Assert.Throws<TimeoutException>(() => _near.ReceiveFd());
        Assert.Throws<TimeoutException>(() => _near.Write(new byte[16 << 20]));
    }

    [Fact]
    public void Cancellation_ends_a_read()
    {
        using CancellationTokenSource cancelled = new(TimeSpan.FromMilliseconds(30));
        _near.Cancellation = cancelled.Token;
        Assert.ThrowsAny<OperationCanceledException>(() => _near.ReadExactly(new byte[1]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_write_waits_for_a_slow_reader(bool nonBlocking)
    {
        Fds.SetNonBlocking(_far.Handle, nonBlocking);
        byte[] sent = new byte[4 << 20];
        new Random(1).NextBytes(sent);
        Task write = Task.Factory.StartNew(() => _far.Write(sent), TaskCreationOptions.LongRunning);
        byte[] received = new byte[sent.Length];
        Assert.True(_near.ReadExactly(received));
        await write.WaitAsync(Patience);
        Assert.True(sent.AsSpan().SequenceEqual(received), "the same bytes arrive");
    }

    [Fact]
    public async Task Shutdown_ends_a_read_on_another_thread()
    {
        Task<bool> read = Task.Factory.StartNew(() => _near.ReadExactly(new byte[1]), TaskCreationOptions.LongRunning);
        await Task.Delay(50);
        _near.Shutdown();
        Assert.False(await read.WaitAsync(Patience));
        Assert.False(_far.ReadExactly(new byte[1]));
    }

    [Fact]
    public void Writing_to_a_peer_that_left_is_an_error_and_no_signal()
    {
        _far.Dispose();
        Assert.Equal(Errno.EPIPE, Assert.Throws<PlatformException>(() => _near.Write([1])).Errno);
    }
}
