using System.Runtime.CompilerServices;

namespace Checkpointer.Platform.Tests;

public class BlockPoolTests
{
    private const long Stride = BlockPool.BlockSize + BlockPool.Headroom;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(2 * Stride, 2)]
    [InlineData((3 * Stride) - 1, 2)]
    [InlineData(512L << 20, 455)]
    public void The_budget_decides_the_number_of_blocks(long bytes, int blocks)
    {
        using BlockPool pool = new(bytes);
        Assert.Equal((blocks, blocks, 0), (pool.Count, pool.Free, pool.Outstanding));
    }

    [Fact]
    public void Fewer_than_two_blocks_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BlockPool((2 * Stride) - 1));

    [Fact]
    public void An_absurd_budget_is_an_error_and_no_crash()
    {
        Exception error = Assert.ThrowsAny<Exception>(() => new BlockPool(1L << 55));
        Assert.True(error is PlatformException { Errno: Errno.ENOMEM } or ArgumentOutOfRangeException, error.ToString());
    }

    [Fact]
    public void Nothing_is_resident_before_it_is_touched_and_everything_after_prefault()
    {
        using BlockPool pool = new(64 << 20);
        long before = Resident();
        pool.Prefault(CancellationToken.None);
        Assert.InRange(Resident() - before, 40 << 20, 200 << 20); // other tests run beside this one
        using Block block = pool.Rent(CancellationToken.None);
        Assert.False(block.Span.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Prefault_stops_when_cancelled()
    {
        using BlockPool pool = new(4 << 20);
        Assert.Throws<OperationCanceledException>(() => pool.Prefault(new CancellationToken(canceled: true)));
    }

    [Fact]
    public void An_empty_pool_gives_nothing_until_the_time_is_over()
    {
        using BlockPool pool = new(2 * Stride);
        using Block first = pool.Rent(CancellationToken.None);
        using Block second = pool.Rent(CancellationToken.None);
        Assert.False(pool.TryRent(out _));
        Assert.False(pool.TryRent(TimeSpan.FromMilliseconds(20), CancellationToken.None, out _));
        using CancellationTokenSource cancelled = new(TimeSpan.FromMilliseconds(20));
        Assert.ThrowsAny<OperationCanceledException>(() => pool.Rent(cancelled.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => pool.TryRent(Patience, cancelled.Token, out _));
        Assert.Equal(2, pool.Outstanding);
    }

    [Fact]
    public async Task Waiters_are_served_in_order_of_arrival_and_a_cancelled_one_is_skipped()
    {
        using BlockPool pool = new(2 * Stride);
        Block first = pool.Rent(CancellationToken.None);
        Block second = pool.Rent(CancellationToken.None);
        using CancellationTokenSource cancelled = new();
        Task<Block> gone = pool.RentAsync(cancelled.Token).AsTask();
        Task<Block> early = pool.RentAsync(CancellationToken.None).AsTask();
        Task<Block> late = pool.RentAsync(CancellationToken.None).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        first.Dispose();
        Block served = await early.WaitAsync(Patience);
        Assert.False(late.IsCompleted);
        second.Dispose();
        (await late.WaitAsync(Patience)).Dispose();
        served.Dispose();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task Many_threads_share_few_blocks_and_never_one_at_the_same_time()
    {
        const int Threads = 8;
        const int Rounds = 300;
        using BlockPool pool = new(3 * Stride);
        Task[] tasks = [.. Enumerable.Range(1, Threads).Select(id => Task.Factory.StartNew(
            () =>
            {
                Random random = new(id);
                for (int round = 0; round < Rounds; round++)
                {
                    using CancellationTokenSource impatient = new();
                    if (random.Next(4) == 0)
                    {
                        impatient.CancelAfter(random.Next(2));
                    }

                    try
                    {
                        using Block block = pool.Rent(impatient.Token);
                        block.CarrySpan(64).Fill((byte)id);
                        block.Span[..256].Fill((byte)id);
                        block.Span[^256..].Fill((byte)id);
                        Thread.Yield();
                        block.Carry = 64;
                        block.Length = BlockPool.BlockSize;
                        Assert.False(block.Filled[..320].ContainsAnyExcept((byte)id));
                        Assert.False(block.Filled[^256..].ContainsAnyExcept((byte)id));
                    }
                    catch (OperationCanceledException)
                    {
                        // Impatience is part of the exercise: nothing may be lost by it.
                    }
                }
            },
            TaskCreationOptions.LongRunning))];
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(120));
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task Disposing_the_pool_fails_waiters_and_spares_blocks_in_use()
    {
        BlockPool pool = new(2 * Stride);
        Block held = pool.Rent(CancellationToken.None);
        Block other = pool.Rent(CancellationToken.None);
        Task<Block> waiter = pool.RentAsync(CancellationToken.None).AsTask();
        Memory<byte> memory = held.Data;
        pool.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiter.WaitAsync(Patience));
        held.Span.Fill(1); // still mapped
        held.Dispose();
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.TryRent(out _));
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length); // unmapped now, and no crash
        pool.Dispose();
    }

#if DEBUG
    [Fact]
    public void A_leaked_block_is_reported_with_the_place_where_it_was_rented()
    {
        using BlockPool pool = new(2 * Stride);
        Leak(pool);
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return BlockPool.Leaks.Any(place => place.Contains(nameof(Leak), StringComparison.Ordinal));
            },
            "the leak is reported");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Leak(BlockPool pool) => pool.Rent(CancellationToken.None).Length = 1;
#endif

    private static long Resident() => Host.MemoryLine(File.ReadAllText("/proc/self/status"), "VmRSS:");
}
