namespace Checkpointer.Repository.Tests;

public abstract partial class BackendConformance
{
    private const string LeaseName = "locks/maintenance";

    /// <summary>The shortest that every store offers.</summary>
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_lease_excludes_others_until_it_is_given_back()
    {
        Assert.Null(await Backend.FindLeaseAsync(LeaseName, None));
        ILease first = await TakeAsync("first"u8.ToArray());
        Assert.Null(await Backend.TryLeaseAsync(LeaseName, default, LeaseTime, None));
        await first.RenewAsync(None);
        Assert.Null(await Backend.TryLeaseAsync(LeaseName, default, LeaseTime, None));
        LeaseInfo found = Assert.IsType<LeaseInfo>(await Backend.FindLeaseAsync(LeaseName, None));
        Assert.True(found.Held);
        Assert.Equal("first"u8.ToArray(), found.Note.ToArray());
        Assert.InRange(found.Since, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5));
        await first.DisposeAsync();
        Assert.False(first.Lost.IsCancellationRequested);
        await using ILease second = await TakeAsync("second"u8.ToArray());
        Assert.Equal("second"u8.ToArray(), (await Backend.FindLeaseAsync(LeaseName, None))!.Note.ToArray());
    }

    [Fact]
    public async Task Leases_of_other_names_do_not_meet()
    {
        await using ILease first = await TakeAsync(default);
        await using ILease? second = await Backend.TryLeaseAsync("locks/roots", default, LeaseTime, None);
        Assert.NotNull(second);
    }

    [Fact]
    public async Task A_broken_lease_is_free_at_once_and_its_holder_hears_of_it()
    {
        Assert.False(await Backend.BreakLeaseAsync(LeaseName, None));
        ILease first = await TakeAsync(default);
        Assert.True(await Backend.BreakLeaseAsync(LeaseName, None));
        ILease second = await TakeAsync("second"u8.ToArray());
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(async () => await first.RenewAsync(None));
        Assert.Equal(RepositoryCodes.LeaseLost, e.Code);
        Assert.True(first.Lost.IsCancellationRequested);
        await first.DisposeAsync();

        // The late disposal of the first did not give the second back.
        Assert.Null(await Backend.TryLeaseAsync(LeaseName, default, LeaseTime, None));
        await second.RenewAsync(None);
        await second.DisposeAsync();
        Assert.False(await Backend.BreakLeaseAsync(LeaseName, None));
    }

    [Fact]
    public async Task Of_many_that_want_a_lease_exactly_one_gets_it()
    {
        const int Takers = 6;
        for (int round = 0; round < 5; round++)
        {
            ILease?[] leases = await Task.WhenAll(Enumerable.Range(0, Takers).Select(_ => Task.Run(
                async () => await Backend.TryLeaseAsync(LeaseName, default, LeaseTime, None))));
            ILease lease = Assert.Single(leases, l => l is not null)!;
            await lease.RenewAsync(None);
            await lease.DisposeAsync();
        }
    }

    private async Task<ILease> TakeAsync(ReadOnlyMemory<byte> note)
    {
        ILease? lease = await Backend.TryLeaseAsync(LeaseName, note, LeaseTime, None);
        Assert.NotNull(lease);
        return lease;
    }
}
