namespace Checkpointer.Repository.Tests;

/// <summary>The contract of <see cref="IBackend"/>, run on every implementation.</summary>
public abstract partial class BackendConformance : IAsyncDisposable
{
    private static CancellationToken None => CancellationToken.None;

    protected abstract IBackend Backend { get; }

    [Fact]
    public async Task An_object_is_invisible_until_it_is_committed()
    {
        using IObjectUpload upload = Backend.BeginPut("maps/a", None);
        upload.Append([1, 2, 3]);
        Assert.Null(await Backend.StatAsync("maps/a", None));
        Assert.Empty(await NamesAsync(""));
        Assert.True(upload.Commit());
        Assert.Equal(3, (await Backend.StatAsync("maps/a", None))!.Value.Length);
        Assert.Equal(["maps/a"], await NamesAsync(""));
    }

    [Fact]
    public async Task An_abandoned_upload_leaves_nothing()
    {
        using (IObjectUpload upload = Backend.BeginPut("packs/ab/x", None))
        {
            upload.Append(new byte[100_000]);
        }

        Assert.Empty(await NamesAsync(""));
        Assert.True(Backend.Put("packs/ab/x", [1], None));
    }

    [Fact]
    public async Task The_first_commit_of_a_name_wins_and_the_second_changes_nothing()
    {
        using IObjectUpload first = Backend.BeginPut("snapshots/a/1", None);
        using IObjectUpload second = Backend.BeginPut("snapshots/a/1", None);
        first.Append([1]);
        second.Append([2]);
        Assert.True(second.Commit());
        Assert.False(first.Commit());
        Assert.Equal([2], await Backend.TryReadAllAsync("snapshots/a/1", 10, None));
        Assert.False(Backend.Put("snapshots/a/1", [3], None));
        Assert.Equal(["snapshots/a/1"], await NamesAsync(""));
    }

    [Fact]
    public async Task Of_many_racing_writers_exactly_one_wins()
    {
        const int Writers = 8;
        for (int round = 0; round < 10; round++)
        {
            string name = $"snapshots/race/{round}";
            using Barrier barrier = new(Writers);
            bool[] won = await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Factory.StartNew(
                () =>
                {
                    using IObjectUpload upload = Backend.BeginPut(name, None);
                    upload.Append([(byte)i]);
                    barrier.SignalAndWait();
                    return upload.Commit();
                },
                TaskCreationOptions.LongRunning)));
            int winner = Array.IndexOf(won, true);
            Assert.Single(won, w => w);
            Assert.Equal((byte)winner, Assert.Single((await Backend.TryReadAllAsync(name, 10, None))!));
        }
    }

    [Fact]
    public async Task Ranges_are_read_exactly_and_end_with_the_object()
    {
        byte[] data = TestRepository.Random(300_000, 1);
        using (IObjectUpload upload = Backend.BeginPut("packs/00/a", None))
        {
            upload.Append(data.AsSpan(0, 100_000));
            upload.Append(data.AsSpan(100_000));
            Assert.True(upload.Commit());
        }

        foreach ((int offset, int length) in (IEnumerable<(int, int)>)[(0, 300_000), (1, 1), (99_999, 2), (299_999, 10), (300_000, 5), (400_000, 5), (5, 0)])
        {
            byte[] read = new byte[length];
            int expected = Math.Clamp(300_000 - offset, 0, length);
            Assert.Equal(expected, await Backend.ReadAsync("packs/00/a", offset, read, None));
            Assert.Equal(data.AsSpan(Math.Min(offset, 300_000), expected), read.AsSpan(0, expected));
        }
    }

    [Fact]
    public async Task Lists_by_folder_and_knows_lengths()
    {
        foreach (string name in (string[])["repository.json", "packs/ab/1", "packs/ab/2", "packs/cd/3", "maps/1"])
        {
            Assert.True(Backend.Put(name, new byte[name.Length], None));
        }

        Assert.Equal(["maps/1", "packs/ab/1", "packs/ab/2", "packs/cd/3", "repository.json"], await NamesAsync(""));
        Assert.Equal(["packs/ab/1", "packs/ab/2", "packs/cd/3"], await NamesAsync("packs/"));
        Assert.Equal(["packs/ab/1", "packs/ab/2"], await NamesAsync("packs/ab/"));
        Assert.Empty(await NamesAsync("locks/"));
        await foreach (ObjectInfo info in Backend.ListAsync("", None))
        {
            Assert.Equal(info.Name.Length, info.Length);
            Assert.InRange(info.Modified, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => NamesAsync("packs"));
    }

    [Fact]
    public async Task Deletes_once()
    {
        Assert.True(Backend.Put("maps/1", [1], None));
        Assert.True(await Backend.DeleteAsync("maps/1", None));
        Assert.False(await Backend.DeleteAsync("maps/1", None));
        Assert.Null(await Backend.StatAsync("maps/1", None));
        Assert.Empty(await NamesAsync(""));
    }

    [Fact]
    public async Task An_absent_object_is_told_by_its_code()
    {
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(async () => await Backend.ReadAsync("maps/1", 0, new byte[1], None));
        Assert.Equal(RepositoryCodes.ObjectMissing, e.Code);
        Assert.Equal("maps/1", e.ObjectName);
        Assert.Null(await Backend.TryReadAllAsync("maps/1", 10, None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData(".tmp-1")]
    [InlineData("maps/.hidden")]
    [InlineData("maps/A")]
    [InlineData("maps/a b")]
    [InlineData("maps/a\0")]
    public async Task A_name_outside_the_rules_is_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => Backend.BeginPut(name, None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Backend.ReadAsync(name, 0, new byte[1], None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Backend.StatAsync(name, None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Backend.DeleteAsync(name, None));
        Assert.Empty(await NamesAsync(""));
    }

    [Fact]
    public async Task A_cancelled_upload_takes_no_more_and_does_not_commit()
    {
        using CancellationTokenSource cancel = new();
        using IObjectUpload upload = Backend.BeginPut("maps/1", cancel.Token);
        upload.Append([1]);
        await cancel.CancelAsync();
        Assert.ThrowsAny<OperationCanceledException>(() => upload.Append([1]));
        Assert.ThrowsAny<OperationCanceledException>(() => upload.Commit());
        Assert.Empty(await NamesAsync(""));
    }

    [Fact]
    public async Task Many_threads_write_and_read_at_once()
    {
        await Parallel.ForAsync(0, 64, async (i, token) =>
        {
            byte[] data = TestRepository.Random(10_000 + i, i);
            Assert.True(Backend.Put($"packs/{i % 7:x2}/{i}", data, token));
            Assert.Equal(data, await Backend.TryReadAllAsync($"packs/{i % 7:x2}/{i}", 100_000, token));
        });
        Assert.Equal(64, (await NamesAsync("packs/")).Count);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Backend.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private async Task<List<string>> NamesAsync(string prefix)
    {
        List<string> names = [];
        await foreach (ObjectInfo info in Backend.ListAsync(prefix, None))
        {
            names.Add(info.Name);
        }

        return [.. names.Order(StringComparer.Ordinal)];
    }
}
