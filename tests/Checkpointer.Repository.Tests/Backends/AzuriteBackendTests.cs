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

    public override async ValueTask DisposeAsync()
    {
        if (_backend is not null)
        {
            await base.DisposeAsync();
        }
    }
}
