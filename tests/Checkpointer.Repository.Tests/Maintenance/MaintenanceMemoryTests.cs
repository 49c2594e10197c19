using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests.Maintenance;

/// <summary>What maintenance holds in memory does not grow with maps or data, and is what it says for each object.</summary>
[Collection(Alone.Name)]
public sealed class MaintenanceMemoryTests
{
    private const int Measurements = 3;

    [Fact]
    public async Task The_inventory_takes_at_most_a_hundred_and_thirty_bytes_for_each_object()
    {
        const int Count = 50_000;
        await using MemoryBackend backend = new();
        byte[] nothing = [];
        for (int i = 0; i < Count; i++)
        {
            backend[ObjectNames.Pack(ObjectId.New())] = nothing;
        }

        // The measure is the whole process's: what else it allocated or let go at that time is in it, and not each time.
        long each = 0;
        for (int i = 0; i < Measurements && each is < 40 or > 130; i++)
        {
            each = await MeasureAsync(backend, Count);
            TestContext.Current.TestOutputHelper!.WriteLine($"{each} bytes a pack");
        }

        Assert.InRange(each, 40, 130);
    }

    private static async Task<long> MeasureAsync(MemoryBackend backend, int count)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Inventory inventory = await Inventory.ReadAsync(backend, CancellationToken.None);
        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        Assert.Equal(count, inventory.Packs.Count);
        return each;
    }

    [Fact]
    public void The_use_of_a_full_pack_takes_less_than_four_kilobytes()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        PackUse use = new();
        for (int frame = 0; frame < 6000; frame++)
        {
            use.Mark(frame, 100);
        }

        // With everything that was outgrown on the way.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 10);
        Assert.False(use.Mark(17, 100));
        Assert.Equal((6000, 600_000L), (use.LiveFrames, use.LiveBytes));
        Assert.True(use.IsLive(5999));
        Assert.False(use.IsLive(6000));
    }
}
