using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>Whatever is done to a stored object is noticed, named, and never read as data.</summary>
public sealed class DamageTests
{
    private static readonly byte[] Data = [.. TestRepository.Random(90_000, 1), .. new byte[50_000], .. TestRepository.Compressible(90_000, 2)];

    private static CancellationToken None => CancellationToken.None;

    [Theory]
    [InlineData(ObjectNames.PacksPrefix)]
    [InlineData(ObjectNames.MapsPrefix)]
    [InlineData(ObjectNames.SnapshotsPrefix)]
    public async Task A_flipped_byte_is_found_and_its_object_named(string prefix)
    {
        await using TestRepository test = await NewAsync();
        string name = Only(test.Memory, prefix);
        byte[] original = test.Memory[name];
        foreach (int at in Offsets(original.Length))
        {
            byte[] changed = [.. original];
            changed[at] ^= 0x40;
            test.Memory[name] = changed;
            await AssertFoundAsync(test, name, $"byte {at}");
        }

        test.Memory[name] = original;
        Assert.Empty((await test.Repository.CheckAsync(data: true, null, None)).Findings);
    }

    [Theory]
    [InlineData(ObjectNames.PacksPrefix)]
    [InlineData(ObjectNames.MapsPrefix)]
    [InlineData(ObjectNames.SnapshotsPrefix)]
    public async Task A_truncated_or_lengthened_object_is_found(string prefix)
    {
        await using TestRepository test = await NewAsync();
        string name = Only(test.Memory, prefix);
        byte[] original = test.Memory[name];
        foreach (int length in (int[])[0, 1, 39, 40, original.Length / 2, original.Length - 45, original.Length - 1])
        {
            test.Memory[name] = original[..length];
            await AssertFoundAsync(test, name, $"cut to {length}");
        }

        test.Memory[name] = [.. original, 0];
        await AssertFoundAsync(test, name, "one byte more");
    }

    [Theory]
    [InlineData(ObjectNames.PacksPrefix)]
    [InlineData(ObjectNames.MapsPrefix)]
    public async Task A_missing_object_is_found(string prefix)
    {
        await using TestRepository test = await NewAsync();
        string name = Only(test.Memory, prefix);
        test.Memory.Remove(name);
        RepositoryException e = await AssertFoundAsync(test, name, "missing") ?? throw new InvalidOperationException("it was read");
        Assert.Contains("missing", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_manifest_means_that_there_is_no_snapshot()
    {
        await using TestRepository test = await NewAsync();
        test.Memory.Remove(Only(test.Memory, ObjectNames.SnapshotsPrefix));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.OpenSnapshotAsync(new SnapshotId(test.Lineage, 1), None));
        Assert.Equal(RepositoryCodes.SnapshotNotFound, e.Code);
    }

    [Fact]
    public async Task A_newer_format_of_an_object_is_told_apart_from_damage()
    {
        await using TestRepository test = await NewAsync();
        foreach (string prefix in (string[])[ObjectNames.MapsPrefix, ObjectNames.SnapshotsPrefix])
        {
            byte[] data = test.Memory[Only(test.Memory, prefix)];
            data[8]++;
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.OpenSnapshotAsync(new SnapshotId(test.Lineage, 1), None));
            Assert.Equal(RepositoryCodes.TooNew, e.Code);
            data[8]--;
        }
    }

    [Fact]
    public async Task A_manifest_under_another_name_does_not_open()
    {
        await using TestRepository test = await NewAsync();
        string name = Only(test.Memory, ObjectNames.SnapshotsPrefix);
        SnapshotId moved = new(test.Lineage, 2);
        test.Memory[ObjectNames.Manifest(moved)] = test.Memory[name];
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.OpenSnapshotAsync(moved, None));
        Assert.Equal(RepositoryCodes.Damaged, e.Code);
        Assert.Equal(ObjectNames.Manifest(moved), e.ObjectName);
    }

    [Theory]
    [InlineData(ObjectNames.PacksPrefix)]
    [InlineData(ObjectNames.MapsPrefix)]
    public async Task Objects_that_changed_places_do_not_open(string prefix)
    {
        await using TestRepository test = await NewAsync();
        await test.SnapshotAsync(2, null, ("f", Data));
        string[] names = [.. test.Memory.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal))];
        Assert.Equal(2, names.Length);
        (test.Memory[names[0]], test.Memory[names[1]]) = (test.Memory[names[1]], test.Memory[names[0]]);
        foreach (long generation in (long[])[1, 2])
        {
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => ReadAllAsync(test, generation));
            Assert.Equal(RepositoryCodes.Damaged, e.Code);
            Assert.Contains(e.ObjectName, names);
        }
    }

    [Fact]
    public async Task Frames_that_changed_places_in_a_pack_do_not_open()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        const int Page = FormatConstants.PageSize;
        byte[] data = [.. TestRepository.Random(Page, 1), .. new byte[Page], .. TestRepository.Random(Page, 2)];
        await test.SnapshotAsync(1, null, ("f", data));
        byte[] pack = test.Memory[Only(test.Memory, ObjectNames.PacksPrefix)];
        const int Frame = Page + FormatConstants.FrameOverhead;
        Assert.Equal(FormatConstants.ObjectHeaderSize + (2 * Frame) + FormatConstants.EndFrameSize, pack.Length);
        byte[] first = pack[FormatConstants.ObjectHeaderSize..(FormatConstants.ObjectHeaderSize + Frame)];
        pack.AsSpan(FormatConstants.ObjectHeaderSize + Frame, Frame).CopyTo(pack.AsSpan(FormatConstants.ObjectHeaderSize));
        first.CopyTo(pack.AsSpan(FormatConstants.ObjectHeaderSize + Frame));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => ReadAllAsync(test, 1));
        Assert.Contains("is not authentic", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_on_the_way_is_noticed_too_and_a_second_read_may_succeed()
    {
        await using TestRepository test = await NewAsync();
        test.Faults.Applies = name => name.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal);
        test.Faults.CorruptRead = (_, _, data) => data.Span[data.Length / 2] ^= 1;
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => ReadAllAsync(test, 1));
        Assert.Equal(RepositoryCodes.Damaged, e.Code);
        Assert.True(test.Faults.Fired > 0);
        test.Faults.CorruptRead = null;
        Assert.Equal(Data, await ReadAllAsync(test, 1));
    }

    [Fact]
    public async Task Damaged_manifests_are_listed_and_the_others_stay_usable()
    {
        await using TestRepository test = await NewAsync();
        SnapshotInfo sound = await test.SnapshotAsync(2, "two", ("f", Data));
        await test.SnapshotAsync(3, "three", ("f", Data));
        test.Memory[ObjectNames.Manifest(new SnapshotId(test.Lineage, 1))][50] ^= 1;
        test.Memory[ObjectNames.Manifest(new SnapshotId(test.Lineage, 3))] = [];
        IReadOnlyList<SnapshotInfo> list = await test.Repository.ListAsync(None);
        Assert.Equal([1L, 2L, 3L], list.Select(s => s.Id.Generation));
        Assert.Contains(ObjectNames.Manifest(list[0].Id), list[0].Damage, StringComparison.Ordinal);
        Assert.Equal(sound.Digest, list[1].Digest);
        Assert.Null(list[1].Damage);
        Assert.NotNull(list[2].Damage);
        Assert.Equal(Data, await ReadAllAsync(test, 2));
        CheckReport report = await test.Repository.CheckAsync(data: false, null, None);
        Assert.Equal(2, report.Findings.Count);
        Assert.True(report.Damaged);
    }

    [Fact]
    public async Task A_pack_that_is_wrong_everywhere_is_one_finding()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, null, ("f", TestRepository.Random(8 << 20, 1)));
        string name = Only(test.Memory, ObjectNames.PacksPrefix);
        test.Memory[name].AsSpan()[FormatConstants.ObjectHeaderSize..^FormatConstants.EndFrameSize].Clear();
        CheckReport report = await test.Repository.CheckAsync(data: true, null, None);
        Assert.Equal(name, Assert.Single(report.Findings).Subject);
    }

    [Fact]
    public async Task A_failing_store_is_a_finding_of_the_check_and_not_called_damage()
    {
        await using TestRepository test = await NewAsync();
        test.Faults.Applies = name => name.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal);
        test.Faults.FailReads = true;
        CheckReport report = await test.Repository.CheckAsync(data: false, null, None);
        Assert.Equal(RepositoryCodes.StoreFailed, Assert.Single(report.Findings).Code);
    }

    private static async Task<TestRepository> NewAsync()
    {
        TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin(workers: 1);
        writer.Hurry = false;
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), Data);
        await writer.CommitAsync(TestRepository.Content("one"), None);
        return test;
    }

    private static string Only(MemoryBackend memory, string prefix) => Assert.Single(memory.Names, n => n.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Every byte of headers, ends and small objects, and a sample of the rest.</summary>
    private static IEnumerable<int> Offsets(int length)
    {
        const int Edge = 60;
        return Enumerable.Range(0, length).Where(i => i < Edge || i >= length - Edge || i % 997 == 0 || length < 2000);
    }

    /// <summary>The check names the object, and reading either fails naming it or gives the right bytes (where the changed byte is not needed).</summary>
    private static async Task<RepositoryException?> AssertFoundAsync(TestRepository test, string name, string what)
    {
        CheckReport report = await test.Repository.CheckAsync(data: true, null, None);
        Assert.True(report.Damaged, $"{what} of {name} was not found");
        Assert.Contains(report.Findings, f => f.Subject == name);
        try
        {
            Assert.Equal(Data, await ReadAllAsync(test, 1));
            return null;
        }
        catch (RepositoryException e)
        {
            Assert.Contains(e.Code, (string[])[RepositoryCodes.Damaged, RepositoryCodes.TooNew]);
            Assert.Equal(name, e.ObjectName);
            return e;
        }
    }

    private static async Task<byte[]> ReadAllAsync(TestRepository test, long generation)
    {
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(new SnapshotId(test.Lineage, generation), None);
        return await TestRepository.ReadAsync(reader, "f");
    }
}
