using System.Diagnostics;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>The contract on the real emulator, with blocks and pages so small that ordinary objects need several.</summary>
public sealed class AzuriteBackendTests(AzuriteFixture azurite) : BackendConformance, IAsyncLifetime
{
    private readonly string _container = AzuriteFixture.NewContainer();
    private AzureBlobBackend? _backend;

    protected override IBackend Backend => _backend!;

    public async ValueTask InitializeAsync()
    {
        AzuriteServer server = azurite.Server;
        AzureOptions options = new() { BlockBytes = 32 << 10, Lanes = 4, PageSize = 3 };
        _backend = new AzureBlobBackend(AzureUrl.Parse(server.Url(_container, "some/prefix"), options.Environment), options);
        await _backend.PrepareAsync(CancellationToken.None);
    }

    [Fact]
    public async Task An_object_of_more_than_64_MiB_goes_in_blocks_of_the_usual_size_and_comes_back_whole()
    {
        const int Length = (66 << 20) + 12_345;
        AzureOptions options = new();
        await using AzureBlobBackend usual = new(AzureUrl.Parse(azurite.Server.Url(_container, "large"), static _ => null), options);
        byte[] data = TestRepository.Random(Length, 64);
        using (IObjectUpload upload = usual.BeginPut("packs/00/large", CancellationToken.None))
        {
            foreach (byte[] piece in data.Chunk(1 << 20))
            {
                upload.Append(piece);
            }

            Assert.True(upload.Commit());
        }

        Assert.Equal(Length, (await usual.StatAsync("packs/00/large", CancellationToken.None))!.Value.Length);
        byte[] read = new byte[Length + 1];
        Assert.Equal(Length, await usual.ReadAsync("packs/00/large", 0, read, CancellationToken.None));
        Assert.True(read.AsSpan(0, Length).SequenceEqual(data));
        Assert.Equal(100, await usual.ReadAsync("packs/00/large", Length - 100, read, CancellationToken.None));
        Assert.True(read.AsSpan(0, 100).SequenceEqual(data.AsSpan(Length - 100)));
    }

    [Fact]
    [Trait("Length", "Long")]
    public async Task A_lease_that_is_not_renewed_is_free_after_its_time_by_the_stores_clock()
    {
        const string Name = "locks/maintenance";
        Stopwatch clock = Stopwatch.StartNew();
        ILease first = (await Backend.TryLeaseAsync(Name, default, TimeSpan.FromSeconds(15), CancellationToken.None))!;
        ILease? second = null;
        while (second is null && clock.Elapsed < TimeSpan.FromMinutes(2))
        {
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            second = await Backend.TryLeaseAsync(Name, "second"u8.ToArray(), TimeSpan.FromSeconds(60), CancellationToken.None);
        }

        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(14), "it was taken away too early");
        Assert.NotNull(second);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(async () => await first.RenewAsync(CancellationToken.None));
        Assert.Equal(RepositoryCodes.LeaseLost, e.Code);
        await second.DisposeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (_backend is not null)
        {
            await base.DisposeAsync();
        }
    }
}
