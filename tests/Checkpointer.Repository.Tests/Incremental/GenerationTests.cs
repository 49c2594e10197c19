namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>Children of children: packs of grandparents are named directly, and nobody needs an ancestor's manifest or map.</summary>
public sealed class GenerationTests
{
    private const int Pages = 2000;
    private const long Memory = WriterOptions.DefaultParentMemory;

    [Fact]
    public async Task Every_generation_stays_whole_while_its_ancestors_go()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, 1);
        Random random = new(5);
        List<(Generation Made, byte[] Data)> made = [];
        for (int generation = 1; generation <= 5; generation++)
        {
            made.Add((await test.SnapshotAsync(generation, Memory, ("f", data)), [.. data]));
            random.NextBytes(data.AsSpan(random.Next(Pages - 32) * Generations.Page, 32 * Generations.Page));
        }

        Assert.All(made.Skip(1), static m => Assert.InRange(m.Made.StoredShare, 0.01, 0.05));
        await test.MustBeSoundAsync();
        for (int i = 0; i < made.Count; i++)
        {
            foreach ((Generation still, byte[] bytes) in made.Skip(i))
            {
                await test.MustHoldAsync(still.Info.Id, ("f", bytes));
            }

            await test.Repository.DeleteAsync(made[i].Made.Info.Id, CancellationToken.None);
            await test.MustBeSoundAsync();
        }
    }

    [Fact]
    public async Task A_map_names_only_the_packs_that_it_uses()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] a = Generations.Pages(Pages, 1);
        byte[] b = Generations.Pages(Pages, 2);
        await test.SnapshotAsync(1, Memory, ("f", a));
        await test.SnapshotAsync(2, Memory, ("f", a), ("g", b));
        Generation third = await test.SnapshotAsync(3, Memory, ("g", b));
        Generation fourth = await test.SnapshotAsync(4, Memory, ("h", Generations.Pages(10, 3)));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(third.Info.Id, CancellationToken.None);
        await using SnapshotReader last = await test.Repository.OpenSnapshotAsync(fourth.Info.Id, CancellationToken.None);
        Assert.Equal(2, reader.Packs.Count);
        Assert.Single(last.Packs);
    }

    [Fact]
    public async Task A_writer_that_dies_harms_neither_parent_nor_the_next_child()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, 1);
        Generation first = await test.SnapshotAsync(1, Memory, ("f", data));
        byte[] changed = [.. data];
        new Random(3).NextBytes(changed.AsSpan(0, 100 * Generations.Page));
        await using (SnapshotWriter dying = await test.Repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, 2, first.Info.Id), new WriterOptions { Pool = test.Pool, Workers = 2 }, CancellationToken.None))
        {
            test.AppendAll(dying.OpenFile("f", FileKind.Pages), changed);
            await dying.DrainAsync(CancellationToken.None);
        }

        await test.MustHoldAsync(first.Info.Id, ("f", data));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", changed));
        await test.MustHoldAsync(second.Info.Id, ("f", changed));
        await test.MustBeSoundAsync();
    }

    [Fact]
    public async Task The_parent_may_be_deleted_while_its_child_is_written()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, 1);
        Generation first = await test.SnapshotAsync(1, Memory, ("f", data));
        await using SnapshotWriter writer = await test.Repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, 2, first.Info.Id), new WriterOptions { Pool = test.Pool, Workers = 2 }, CancellationToken.None);
        await test.Repository.DeleteAsync(first.Info.Id, CancellationToken.None);
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), data);
        SnapshotInfo second = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        Assert.Equal(data.Length, writer.Progress.ReusedBytes);
        await test.MustHoldAsync(second.Id, ("f", data));
        await test.MustBeSoundAsync();
    }

    [Fact]
    public async Task A_snapshot_before_the_newest_may_be_the_parent()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, 1);
        Generation first = await test.SnapshotAsync(1, Memory, ("f", data));
        await test.SnapshotAsync(2, Memory, ("f", Generations.Pages(Pages, 2)));
        Generation third = await test.SnapshotAsync(new SnapshotTarget(test.Lineage, 3, first.Info.Id), Memory, ("f", data));
        Assert.Equal(first.Info.Id, third.Info.Parent);
        Assert.Equal(first.Info.Digest, third.Info.ParentDigest);
        Assert.True(third.StoredShare < Generations.Idle);
    }
}
