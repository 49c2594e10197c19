namespace Checkpointer.Repository.Tests;

/// <summary>Leases in a directory: expiry by the file system's time, takeover by the next number.</summary>
public sealed class DirectoryLeaseTests : IAsyncDisposable
{
    private const string Name = "locks/maintenance";
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _directory = new();
    private readonly DirectoryBackend _backend;

    public DirectoryLeaseTests() => _backend = new DirectoryBackend(_directory.Path);

    private static CancellationToken None => CancellationToken.None;

    private string Locks => Path.Combine(_directory.Path, "locks");

    [Fact]
    public async Task A_lease_that_is_not_renewed_expires_by_the_time_of_the_file_system()
    {
        await using ILease dead = (await _backend.TryLeaseAsync(Name, new byte[] { 1 }, Duration, None))!;
        Age(1, Duration * 0.9);
        Assert.Null(await _backend.TryLeaseAsync(Name, default, Duration, None));
        Age(1, Duration * 1.1);
        Assert.False((await _backend.FindLeaseAsync(Name, None))!.Held);
        await using ILease? heir = await _backend.TryLeaseAsync(Name, default, Duration, None);
        Assert.NotNull(heir);
        Assert.Equal([".lease-maintenance.2"], Files());
        await Assert.ThrowsAsync<RepositoryException>(async () => await dead.RenewAsync(None));
        Assert.True(dead.Lost.IsCancellationRequested);
        await heir.RenewAsync(None);
    }

    [Fact]
    public async Task Who_renews_late_has_lost_it_even_when_nobody_else_came()
    {
        await using ILease late = (await _backend.TryLeaseAsync(Name, default, Duration, None))!;
        Age(1, Duration * 0.8);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(async () => await late.RenewAsync(None));
        Assert.Equal(RepositoryCodes.LeaseLost, e.Code);
    }

    [Fact]
    public async Task Who_does_not_renew_is_told_before_anyone_else_may_begin()
    {
        TimeSpan duration = TimeSpan.FromMilliseconds(800);
        await using ILease forgotten = (await _backend.TryLeaseAsync(Name, default, duration, None))!;
        TaskCompletionSource lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = forgotten.Lost.Register(lost.SetResult);
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_renewed_lease_outlives_its_duration()
    {
        // It is lost after three quarters of this: as much between two renewals as a busy machine may take.
        TimeSpan duration = TimeSpan.FromSeconds(16);
        await using ILease lease = (await _backend.TryLeaseAsync(Name, default, duration, None))!;
        for (int i = 0; i < 5; i++)
        {
            await Task.Delay(duration / 4, TestContext.Current.CancellationToken);
            await lease.RenewAsync(None);
        }

        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.Null(await _backend.TryLeaseAsync(Name, default, duration, None));
    }

    [Fact]
    public async Task Numbers_only_grow_and_one_file_stays()
    {
        for (int i = 1; i <= 3; i++)
        {
            await using ILease? lease = await _backend.TryLeaseAsync(Name, default, Duration, None);
            Assert.NotNull(lease);
            Assert.Equal([$".lease-maintenance.{i}"], Files());
        }

        Assert.Equal([".lease-maintenance.3"], Files());
        Assert.Null(await _backend.FindLeaseAsync(Name, None));
    }

    [Fact]
    public async Task A_latecomer_below_the_highest_number_hurts_nobody()
    {
        await using ILease held = (await _backend.TryLeaseAsync(Name, default, Duration, None))!;
        Directory.Move(Path.Combine(Locks, ".lease-maintenance.1"), Path.Combine(Locks, ".lease-maintenance.7"));
        File.WriteAllText(Path.Combine(Locks, ".lease-maintenance.3"), "checkpointer-lease 1 30000\n");
        Assert.Null(await _backend.TryLeaseAsync(Name, default, Duration, None));
    }

    [Fact]
    public async Task A_lease_file_that_nobody_can_read_holds_for_ten_minutes()
    {
        Directory.CreateDirectory(Locks);
        File.WriteAllText(Path.Combine(Locks, ".lease-maintenance.4"), "garbage");
        Assert.Null(await _backend.TryLeaseAsync(Name, default, Duration, None));
        Age(4, TimeSpan.FromMinutes(11));
        await using ILease? lease = await _backend.TryLeaseAsync(Name, default, Duration, None);
        Assert.NotNull(lease);
    }

    [Fact]
    public async Task Lease_files_are_no_objects_and_no_unfinished_uploads()
    {
        await using ILease lease = (await _backend.TryLeaseAsync(Name, default, Duration, None))!;
        await foreach (ObjectInfo info in _backend.ListAsync("", None))
        {
            Assert.Fail(info.Name);
        }

        await foreach (ObjectInfo info in _backend.ListUnfinishedAsync(None))
        {
            Assert.Fail(info.Name);
        }
    }

    [Fact]
    public async Task Unfinished_uploads_are_listed_and_removed_but_no_other_dot_file()
    {
        using IObjectUpload upload = _backend.BeginPut("packs/ab/1", None);
        upload.Append([1, 2, 3]);
        File.WriteAllText(Path.Combine(_directory.Path, "packs", "ab", ".tmp-notes.txt"), "mine");
        File.WriteAllText(Path.Combine(_directory.Path, ".tmp-"), "mine");
        List<ObjectInfo> found = [];
        await foreach (ObjectInfo info in _backend.ListUnfinishedAsync(None))
        {
            found.Add(info);
        }

        ObjectInfo left = Assert.Single(found);
        Assert.Equal(3, left.Length);
        Assert.StartsWith("packs/ab/.tmp-", left.Name, StringComparison.Ordinal);
        Assert.True(await _backend.DeleteUnfinishedAsync(left.Name, None));
        Assert.False(await _backend.DeleteUnfinishedAsync(left.Name, None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _backend.DeleteUnfinishedAsync("packs/ab/1", None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _backend.DeleteUnfinishedAsync("../.tmp-00", None));
    }

    public async ValueTask DisposeAsync()
    {
        await _backend.DisposeAsync();
        _directory.Dispose();
    }

    private void Age(int number, TimeSpan age) =>
        File.SetLastWriteTimeUtc(Path.Combine(Locks, $".lease-maintenance.{number}"), DateTime.UtcNow - age);

    private IEnumerable<string?> Files() => Directory.GetFiles(Locks).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
