using Checkpointer.Repository.Tests.Incremental;

namespace Checkpointer.Repository.Tests.Writing;

/// <summary>What is stored while a workload still runs is not stored again when it is frozen, and decides nothing: the snapshot is what was written under names.</summary>
public sealed class EarlyTests
{
    private const int Pages = 1000;
    private const int Size = Pages * Generations.Page;

    private readonly byte[] _data = Generations.Pages(Pages, 1);

    [Fact]
    public async Task What_did_not_change_is_stored_once_and_counted_once()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = await BeginAsync(test);
        await EarlyAsync(test, writer, _data);
        long early = writer.Progress.BytesStored;
        Assert.True(early >= Size, $"{early} bytes were stored early");
        Assert.Equal(0, writer.Progress.BytesCaptured);

        test.AppendAll(writer.OpenFile("f", FileKind.Pages), _data);
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);

        Assert.True(info.BytesStored - early < Size * Generations.Idle, $"{info.BytesStored - early} bytes were stored afterwards");
        Assert.Equal(Size, info.BytesCaptured);
        Assert.Equal(0, writer.Progress.ReusedBytes);
        await test.MustHoldAsync(info.Id, ("f", _data));
        await test.MustBeSoundAsync();
    }

    [Fact]
    public async Task What_changed_moved_or_came_since_is_what_the_snapshot_has()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = await BeginAsync(test);
        await EarlyAsync(test, writer, _data);
        long early = writer.Progress.BytesStored;
        byte[] changed = [.. Generations.Pages(10, 2), .. _data];
        changed[Size / 2] ^= 1;
        byte[] other = Generations.Pages(20, 3);

        test.AppendAll(writer.OpenFile("f", FileKind.Pages), changed);
        test.AppendAll(writer.OpenFile("g", FileKind.Pages), other);
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);

        Assert.InRange(info.BytesStored - early, 30 * Generations.Page, 120 * Generations.Page);
        await test.MustHoldAsync(info.Id, ("f", changed), ("g", other));
        await test.MustBeSoundAsync();
    }

    [Fact]
    public async Task What_was_not_met_again_leaves_a_sound_repository_and_goes_with_a_prune()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] other = Generations.Pages(10, 2);
        await using (SnapshotWriter writer = await BeginAsync(test))
        {
            await EarlyAsync(test, writer, _data);
            test.AppendAll(writer.OpenFile("f", FileKind.Pages), other);
            SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
            await test.MustHoldAsync(info.Id, ("f", other));
            Assert.InRange(info.BytesStored, 10 * Generations.Page, 20 * Generations.Page);
            Assert.Equal(info.BytesStored, writer.Progress.BytesStored);
        }

        await test.MustBeSoundAsync();
        foreach (string name in test.Memory.Names)
        {
            test.Memory.SetModified(name, DateTimeOffset.UtcNow.AddHours(-1));
        }

        await test.Repository.PruneAsync(new PruneOptions { Grace = TimeSpan.Zero }, null, null, CancellationToken.None);
        Assert.True(test.Memory.Names.Sum(n => (long)test.Memory[n].Length) < Size / 4, "what nobody needs is still there");
        await test.MustBeSoundAsync();
    }

    [Fact]
    public async Task Chunks_beyond_the_memory_are_not_stored_early()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = await BeginAsync(test, memory: 1);
        await EarlyAsync(test, writer, _data);
        long early = writer.Progress.BytesStored;
        Assert.True(writer.IsEarlyFull);
        Assert.InRange(early, 1, Size * 3 / 4);
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), _data);
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        Assert.InRange(info.BytesStored, Size, Size * 11 / 10);
        await test.MustHoldAsync(info.Id, ("f", _data));
    }

    [Fact]
    public async Task The_memory_for_a_content_holds_all_of_its_chunks()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = await BeginAsync(test, WriterOptions.EarlyMemoryFor(Size));
        await EarlyAsync(test, writer, _data);
        long early = writer.Progress.BytesStored;
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), _data);
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        Assert.True(info.BytesStored - early < Size * Generations.Idle, $"{info.BytesStored - early} bytes were stored afterwards");
    }

    [Fact]
    public async Task What_the_parent_has_is_stored_neither_early_nor_late_and_counts_as_reused_once()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        Generation first = await test.SnapshotAsync(1, WriterOptions.DefaultParentMemory, ("f", _data));
        await using SnapshotWriter writer = await BeginAsync(test, parent: first.Info.Id);
        await EarlyAsync(test, writer, _data);
        Assert.True(writer.Progress.BytesStored < Size * Generations.Idle);
        Assert.Equal(0, writer.Progress.ReusedBytes);

        test.AppendAll(writer.OpenFile("f", FileKind.Pages), _data);
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        Assert.Equal(Size, writer.Progress.ReusedBytes);
        await test.MustHoldAsync(info.Id, ("f", _data));
    }

    [Fact]
    public async Task Without_memory_for_it_or_after_its_end_nothing_is_stored_early()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter without = await BeginAsync(test, memory: 0);
        Assert.Throws<InvalidOperationException>(() => without.OpenEarly(FileKind.Pages));
        await without.EndEarlyAsync(CancellationToken.None);

        await using SnapshotWriter writer = await BeginAsync(test);
        Assert.Throws<InvalidOperationException>(() => writer.OpenFile("f", FileKind.Pages));
        await EarlyAsync(test, writer, _data);
        Assert.Throws<InvalidOperationException>(() => writer.OpenEarly(FileKind.Pages));
    }

    private static async Task<SnapshotWriter> BeginAsync(TestRepository test, long memory = 1 << 20, SnapshotId? parent = null) =>
        await test.Repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, (parent?.Generation ?? 0) + 1, parent),
            new WriterOptions { Pool = test.Pool, Workers = 2, EarlyMemory = memory },
            CancellationToken.None);

    private static async Task EarlyAsync(TestRepository test, SnapshotWriter writer, byte[] data)
    {
        test.AppendAll(writer.OpenEarly(FileKind.Pages), data);
        await writer.EndEarlyAsync(CancellationToken.None);
    }
}
