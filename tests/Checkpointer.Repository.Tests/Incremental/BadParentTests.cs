using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>A parent that is damaged, gone or strange never fails a snapshot and never makes it damaged: what cannot be relied on is stored again, and told.</summary>
public sealed class BadParentTests
{
    private const int Pages = 2000;
    private const long Memory = WriterOptions.DefaultParentMemory;

    private readonly byte[] _data = Generations.Pages(Pages, 1);

    [Theory]
    [InlineData(10)]
    [InlineData(-100)]
    public async Task A_damaged_map_makes_a_full_snapshot_with_a_note(int position)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, Memory, ("f", _data));
        byte[] map = test.Memory[test.Memory.Names.Single(static n => n.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal))];
        map[position < 0 ? map.Length + position : FormatConstants.ObjectHeaderSize + position] ^= 1;
        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data));
        MustBeFull(second, "parent-unusable");
        await test.MustHoldAsync(second.Info.Id, ("f", _data));
    }

    [Fact]
    public async Task A_missing_map_makes_a_full_snapshot_with_a_note()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, Memory, ("f", _data));
        test.Memory.Remove(test.Memory.Names.Single(static n => n.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal)));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data));
        MustBeFull(second, "parent-unusable");
        await test.MustHoldAsync(second.Info.Id, ("f", _data));
    }

    [Fact]
    public async Task A_damaged_manifest_makes_the_generation_before_it_the_parent()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        Generation first = await test.SnapshotAsync(1, Memory, ("f", _data));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data));
        test.Memory[ObjectNames.Manifest(second.Info.Id)][^1] ^= 1;
        Generation third = await test.SnapshotAsync(3, Memory, ("f", _data));
        Assert.Equal(first.Info.Id, third.Use.Parent);
        Assert.Equal(first.Info.Id, third.Info.Parent);
        Assert.Equal("parent-unusable", Assert.Single(third.Use.Findings).Code);
        Assert.True(third.StoredShare < Generations.Idle);
        await test.MustHoldAsync(third.Info.Id, ("f", _data));
    }

    [Fact]
    public async Task A_deleted_parent_is_replaced_by_the_generation_before_it_without_a_word()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        Generation first = await test.SnapshotAsync(1, Memory, ("f", _data));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data));
        await test.Repository.DeleteAsync(second.Info.Id, CancellationToken.None);
        Generation third = await test.SnapshotAsync(3, Memory, ("f", _data));
        Assert.Equal(first.Info.Id, third.Use.Parent);
        Assert.Empty(third.Use.Findings);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_missing_or_truncated_pack_held_is_stored_again(bool missing)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] other = Generations.Pages(Pages, 2);
        await test.SnapshotAsync(1, Memory, ("f", _data));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data), ("g", other));
        string pack = test.Memory.Names.First(static n => n.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal));
        long lost = test.Memory[pack].Length;
        if (missing)
        {
            test.Memory.Remove(pack);
        }
        else
        {
            test.Memory[pack] = test.Memory[pack][..^1];
        }

        Generation third = await test.SnapshotAsync(3, Memory, ("f", _data), ("g", other));
        Assert.Equal(second.Info.Id, third.Use.Parent);
        Finding finding = Assert.Single(third.Use.Findings);
        Assert.Equal("parent-pack-missing", finding.Code);
        Assert.Equal(FindingSeverity.Note, finding.Severity);
        Assert.Contains(pack, finding.Found, StringComparison.Ordinal);
        Assert.InRange(third.Info.BytesStored, lost, lost + (third.Info.BytesCaptured / 100));
        await test.MustHoldAsync(third.Info.Id, ("f", _data), ("g", other));
    }

    [Fact]
    public async Task A_parent_that_was_cut_otherwise_is_no_use_and_no_harm()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using (SnapshotWriter writer = test.Begin())
        {
            FileWriter file = writer.OpenFile("f", FileKind.Pages);
            for (int at = 0; at < _data.Length; at += 30_000)
            {
                file.Write(_data.AsSpan(at, Math.Min(30_000, _data.Length - at)));
                await writer.DrainAsync(CancellationToken.None);
            }

            file.Complete();
            await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        }

        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data));
        Assert.Equal(0, second.Progress.ReusedBytes);
        await test.MustHoldAsync(second.Info.Id, ("f", _data));
    }

    [Fact]
    public async Task A_store_that_fails_while_the_parent_is_read_fails_nothing()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, Memory, ("f", _data));
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(new DeafMaps(test.Memory), test.Key, CancellationToken.None);
        SnapshotTarget target = new(test.Lineage, 2, new SnapshotId(test.Lineage, 1));
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(target, new WriterOptions { Pool = test.Pool, Workers = 1 }, CancellationToken.None);
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), _data);
        await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        Assert.Equal("parent-unusable", Assert.Single(writer.ParentUse.Findings).Code);
        await test.MustHoldAsync(target.Id, ("f", _data));
    }

    [Fact]
    public async Task A_parent_with_more_packs_than_are_asked_for_one_by_one_is_checked_by_a_listing()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using (SnapshotWriter writer = test.Begin(workers: 1))
        {
            FileWriter file = writer.OpenFile("f", FileKind.Pages);
            int part = _data.Length / (PackCheck.MaxStats + 10) / Generations.Page * Generations.Page;
            for (int at = 0; at < _data.Length; at += part)
            {
                TestRepository.Append(test.Pool, file, _data.AsSpan(at, Math.Min(part, _data.Length - at)));
                await writer.DrainAsync(CancellationToken.None);
            }

            file.Complete();
            await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        }

        string[] packs = [.. test.Memory.Names.Where(static n => n.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal))];
        Assert.True(packs.Length > PackCheck.MaxStats);
        test.Memory.Remove(packs[0]);
        test.Memory[packs[1]] = test.Memory[packs[1]][..^1];
        Generation second = await test.SnapshotAsync(2, Memory, ("f", _data));
        Assert.Contains($"2 of its {packs.Length} packs", Assert.Single(second.Use.Findings).Found, StringComparison.Ordinal);
        await test.MustHoldAsync(second.Info.Id, ("f", _data));
    }

    [Fact]
    public async Task A_map_whose_index_takes_most_of_the_memory_is_not_searched()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        (string, byte[])[] files = [.. Enumerable.Range(0, 1000).Select(static i => ($"core-{i}.img", new byte[] { 1, 2, 3 }))];
        await test.SnapshotAsync(1, Memory, files);
        MustBeFull(await test.SnapshotAsync(2, ReuseBudget.Least, files), "parent-index-large");
    }

    [Fact]
    public async Task A_store_that_hangs_while_the_parent_is_read_does_not_hold_the_snapshot_back_for_ever()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, Memory, ("f", _data));
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new();
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(new HangingMaps(test.Memory, clock), test.Key, CancellationToken.None);
        SnapshotTarget target = new(test.Lineage, 2, new SnapshotId(test.Lineage, 1));
        WriterOptions options = new() { Pool = test.Pool, Workers = 1, Time = clock };
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(target, options, CancellationToken.None);
        Assert.Equal("parent-slow", Assert.Single(writer.ParentUse.Findings).Code);
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), _data);
        await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        await test.MustHoldAsync(target.Id, ("f", _data));
    }

    private static void MustBeFull(Generation second, string code)
    {
        Assert.Null(second.Use.Parent);
        Finding finding = Assert.Single(second.Use.Findings);
        Assert.Equal(code, finding.Code);
        Assert.Equal(FindingSeverity.Note, finding.Severity);
        Assert.Equal(0, second.Progress.ReusedBytes);

        // The history is told all the same.
        Assert.Equal(1, second.Info.Parent?.Generation);
    }

    /// <summary>Maps are never read to the end; the clock of the deadline runs on while somebody waits.</summary>
    private sealed class HangingMaps(IBackend inner, Microsoft.Extensions.Time.Testing.FakeTimeProvider clock) : Forwarding(inner)
    {
        public override async ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (name.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal))
            {
                clock.Advance(ParentOpening.Deadline);
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return await base.ReadAsync(name, offset, destination, cancellationToken);
        }
    }

    /// <summary>Maps cannot be read at the moment.</summary>
    private sealed class DeafMaps(IBackend inner) : Forwarding(inner)
    {
        public override ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
            name.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal)
                ? throw new RepositoryException(RepositoryCodes.StoreFailed, "the store does not answer")
                : base.ReadAsync(name, offset, destination, cancellationToken);
    }
}
