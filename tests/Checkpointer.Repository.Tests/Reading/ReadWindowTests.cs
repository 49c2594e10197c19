using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>How much is on its way: by the latency that the store shows, and by the memory that there is.</summary>
public sealed class ReadWindowTests
{
    private static CancellationToken None => CancellationToken.None;

    [Theory]
    [InlineData(0, 8, 8 << 20, 0)]
    [InlineData(10, 21, 21_474_836, 128 << 10)]
    [InlineData(30, 32, 64_424_509, 128 << 10)]
    [InlineData(1000, 32, 64 << 20, 128 << 10)]
    public void The_further_away_the_store_the_more_is_asked_for_at_once(int milliseconds, int reads, long ahead, int gap)
    {
        ReadWindow window = Window(milliseconds);

        Assert.Equal((reads, ahead, gap), (window.Reads, window.AheadBytes, window.MaxGap));
    }

    [Fact]
    public void The_quickest_of_the_last_requests_counts_so_that_a_store_that_is_busy_with_us_is_not_asked_for_more()
    {
        FakeTimeProvider clock = new();
        ReadWindow window = new(clock);
        foreach (int milliseconds in (int[])[5, 500, 400])
        {
            long start = window.Start();
            clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
            window.End(start);
        }

        Assert.Equal(5, window.Latency.TotalMilliseconds);
    }

    [Fact]
    public async Task Reads_get_memory_in_their_order_up_to_the_window_and_lent_memory_is_given_back()
    {
        ReadBuffers buffers = new(Window(30));
        List<Task<ReadBuffers.ReadBuffer>> rents = [.. Enumerable.Range(0, 40).Select(_ => buffers.RentAsync(None).AsTask())];
        Assert.Equal(Enumerable.Range(0, 40).Select(i => i < ReadBuffers.Own), rents.Select(r => r.IsCompleted));

        byte[] lent = new byte[SnapshotReader.MostReadBuffers * ReadBuffers.Size];
        buffers.Lend(Enumerable.Range(0, SnapshotReader.MostReadBuffers).Select(i => lent.AsMemory(i * ReadBuffers.Size, ReadBuffers.Size)));
        await Task.WhenAll(rents[..32]);
        Assert.DoesNotContain(rents[32..], r => r.IsCompleted);

        // One that gave up is passed over.
        using CancellationTokenSource stop = new();
        Task<ReadBuffers.ReadBuffer> given = buffers.RentAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);

        Task back = buffers.TakeBackAsync();
        Assert.False(back.IsCompleted);
        foreach (Task<ReadBuffers.ReadBuffer> rent in rents)
        {
            (await rent).Dispose();
        }

        await back;
        Task<ReadBuffers.ReadBuffer>[] own = [.. Enumerable.Range(0, ReadBuffers.Own + 1).Select(_ => buffers.RentAsync(None).AsTask())];
        Assert.Equal(ReadBuffers.Own, own.Count(r => r.IsCompletedSuccessfully));
        Assert.All(own[..ReadBuffers.Own], r => Assert.False(r.Result.Memory.Span.Overlaps(lent)));
        foreach (Task<ReadBuffers.ReadBuffer> rent in own)
        {
            (await rent).Dispose();
        }
    }

    [Fact]
    public async Task A_snapshot_far_away_is_asked_for_many_ranges_before_the_first_has_come()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Random(20 << 20, 1);
        SnapshotInfo snapshot = await test.SnapshotAsync(1, "far", ("pages-1.img", data));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(snapshot.Id, None);
        using FileReader file = reader.OpenFile("pages-1.img");
        List<RunTarget> targets = [];
        byte[] read = new byte[data.Length];
        while (await file.NextRunAsync(1 << 20, None) is { } run)
        {
            targets.Add(new RunTarget(run, read.AsMemory((int)run.Offset, run.RawLength)));
        }

        List<long> asked = [];
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Faults.BeforeRead = async offset =>
        {
            lock (asked)
            {
                asked.Add(offset);
            }

            await gate.Task;
        };
        Task decoding = Assert.Single(reader.Decode(targets, 1, None));

        // In memory, so near: as many as the least. They start on threads of the pool, so among each other they come as they like.
        Assert.True(SpinWait.SpinUntil(() => Count() == ReadWindow.LeastReads, TimeSpan.FromSeconds(30)));
        long last = asked.Max();
        gate.SetResult();
        await decoding;

        Assert.True(read.AsSpan().SequenceEqual(data));
        Assert.Equal(asked.Count, reader.Statistics.Requests);
        Assert.All(asked.Skip(ReadWindow.LeastReads), offset => Assert.True(offset > last));
        Assert.Equal(0, reader.Statistics.Again);

        int Count()
        {
            lock (asked)
            {
                return asked.Count;
            }
        }
    }

    private static ReadWindow Window(int milliseconds)
    {
        FakeTimeProvider clock = new();
        ReadWindow window = new(clock);
        long start = window.Start();
        clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        window.End(start);
        return window;
    }
}
