using System.Diagnostics;

namespace Checkpointer.Platform.Tests;

public class EpollTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(20);
    private readonly EpollEvent[] _events = new EpollEvent[4];

    [Fact]
    public void Ready_fds_come_back_with_their_tokens()
    {
        using Epoll epoll = new();
        using PipePair first = Fds.Pipe();
        using PipePair second = Fds.Pipe();
        epoll.Add(first.Reader, EpollEvents.In, long.MaxValue);
        epoll.Add(second.Reader, EpollEvents.In, -7);
        Assert.Equal(0, epoll.Wait(_events, Soon, CancellationToken.None));
        Fds.WriteAll(second.Writer, [1]);
        Assert.Equal(1, epoll.Wait(_events, Timeout.InfiniteTimeSpan, CancellationToken.None));
        Assert.Equal(new EpollEvent(EpollEvents.In, -7), _events[0]);
        first.Writer.Dispose();
        Assert.Equal(2, epoll.Wait(_events, Timeout.InfiniteTimeSpan, CancellationToken.None));
        Assert.Contains(new EpollEvent(EpollEvents.HangUp, long.MaxValue), _events);
    }

    [Fact]
    public void A_removed_or_modified_fd_is_quiet()
    {
        using Epoll epoll = new();
        using PipePair pipe = Fds.Pipe();
        Fds.WriteAll(pipe.Writer, [1]);
        epoll.Add(pipe.Reader, EpollEvents.In, 1);
        epoll.Modify(pipe.Reader, EpollEvents.None, 1);
        Assert.Equal(0, epoll.Wait(_events, Soon, CancellationToken.None));
        epoll.Modify(pipe.Reader, EpollEvents.In, 2);
        Assert.Equal(1, epoll.Wait(_events, Soon, CancellationToken.None));
        epoll.Remove(pipe.Reader);
        Assert.Equal(0, epoll.Wait(_events, Soon, CancellationToken.None));
    }

    [Fact]
    public async Task A_wait_under_way_is_woken_from_another_thread()
    {
        using Epoll epoll = new();
        Task<int> wait = Task.Factory.StartNew(
            () => epoll.Wait(_events, TimeSpan.FromSeconds(120), CancellationToken.None), TaskCreationOptions.LongRunning);
        Thread.Sleep(50);
        epoll.Wake();
        Assert.Equal(0, await wait.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void A_wake_before_the_wait_is_not_lost_and_serves_once()
    {
        using Epoll epoll = new();
        epoll.Wake();
        epoll.Wake();
        Stopwatch clock = Stopwatch.StartNew();
        Assert.Equal(0, epoll.Wait(_events, TimeSpan.FromSeconds(30), CancellationToken.None));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), "the wake-up was there");
        clock.Restart();
        Assert.Equal(0, epoll.Wait(_events, TimeSpan.FromMilliseconds(100), CancellationToken.None));
        Assert.True(clock.Elapsed >= TimeSpan.FromMilliseconds(90), "it was taken");
    }

    [Fact]
    public void Cancellation_ends_the_wait()
    {
        using Epoll epoll = new();
        using CancellationTokenSource cancelled = new(Soon);
        Assert.ThrowsAny<OperationCanceledException>(() => epoll.Wait(_events, Timeout.InfiniteTimeSpan, cancelled.Token));
    }

    [Fact]
    public void Waking_after_the_end_is_harmless()
    {
        Epoll epoll = new();
        epoll.Dispose();
        epoll.Wake();
    }

    [Fact]
    public void More_ready_fds_than_room_come_in_several_waits()
    {
        using Epoll epoll = new();
        using PipePair first = Fds.Pipe();
        using PipePair second = Fds.Pipe();
        Fds.WriteAll(first.Writer, [1]);
        Fds.WriteAll(second.Writer, [1]);
        epoll.Add(first.Reader, EpollEvents.In | EpollEvents.OneShot, 1);
        epoll.Add(second.Reader, EpollEvents.In | EpollEvents.OneShot, 2);
        EpollEvent[] one = new EpollEvent[1];
        Assert.Equal(1, epoll.Wait(one, Soon, CancellationToken.None));
        long seen = one[0].Token;
        Assert.Equal(1, epoll.Wait(one, Soon, CancellationToken.None));
        Assert.Equal(3, seen + one[0].Token);
    }
}
