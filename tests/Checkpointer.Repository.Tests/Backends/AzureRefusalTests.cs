using Azure.Storage;
using Azure.Storage.Sas;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>What people get wrong, against the emulator itself: one clear error with a code and a remedy each, and no secret in it.</summary>
public sealed class AzureRefusalTests(AzuriteFixture azurite)
{
    private const string WrongKey = "d3JvbmcgIGtleSAgZm9yIHRoZSBlbXVsYXRvcg==";
    private const string RightKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// <summary>The emulator says AuthorizationFailure where the service says AuthenticationFailed (see <see cref="AzureFaultTests"/>).</summary>
    private const string EmulatorsWord = RepositoryCodes.StoreDenied;

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_wrong_key_is_refused_credentials()
    {
        AzureOptions options = new() { Environment = name => name == AzureClients.ConnectionStringVariable ? ConnectionString(WrongKey) : null };
        await using AzureBlobBackend backend = new(AzureUrl.Parse("azure:data", options.Environment), options);
        await FailsAsync(backend, EmulatorsWord, WrongKey);
    }

    [Fact]
    public async Task A_missing_container_is_named()
    {
        string container = AzuriteFixture.NewContainer();
        await using AzureBlobBackend backend = Open(azurite.Server.Url(container));
        RepositoryException e = await FailsAsync(backend, RepositoryCodes.ContainerNotFound, "sig=");
        Assert.Contains(container, e.Message, StringComparison.Ordinal);
        Assert.Contains("init", e.Remedy!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_signature_is_said_to_be_expired()
    {
        (string url, string signature) = await SignedAsync("racwdl", DateTimeOffset.UtcNow.AddHours(-1));
        await using AzureBlobBackend backend = Open(url);
        RepositoryException e = await FailsAsync(backend, RepositoryCodes.CredentialsExpired, signature);
        Assert.Contains("expired at", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_that_may_only_read_is_denied_permission()
    {
        (string url, string signature) = await SignedAsync("rl", DateTimeOffset.UtcNow.AddHours(1));
        await using AzureBlobBackend backend = Open(url);
        Assert.Null(await backend.StatAsync("repository.json", None));
        RepositoryException e = Assert.Throws<RepositoryException>(() => backend.Put("maps/1", [1], None));
        Assert.Equal(RepositoryCodes.StoreDenied, e.Code);
        Assert.Contains("permissions", e.Remedy!, StringComparison.Ordinal);
        Assert.DoesNotContain(signature, e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_of_another_account_is_refused_credentials()
    {
        (string url, string signature) = await SignedAsync("racwdl", DateTimeOffset.UtcNow.AddHours(1), WrongKey);
        await using AzureBlobBackend backend = Open(url);
        await FailsAsync(backend, EmulatorsWord, signature);
    }

    [Fact]
    public async Task An_account_that_nobody_has_is_said_not_to_be_found()
    {
        AzureOptions options = Options() with { Environment = static name => name == AzureClients.SasVariable ? "sv=2024-11-04&sig=AAAA" : null };
        await using AzureBlobBackend backend = new(AzureUrl.Parse("https://nobody.blob.invalid/data", options.Environment), options);
        await FailsAsync(backend, RepositoryCodes.StoreUnreachable, "sig=");
    }

    [Fact]
    public async Task A_store_that_does_not_listen_is_said_to_be_unreachable()
    {
        await using AzureBlobBackend backend = Open("azurite://127.0.0.1:9/data");
        RepositoryException e = await FailsAsync(backend, RepositoryCodes.StoreUnreachable, "sig=");
        Assert.Contains("attempts", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_format_is_refused_before_anything_is_touched()
    {
        using TemporaryDirectory directory = new();
        KeyFile key = KeyFile.LoadOrCreate(Path.Combine(directory.Path, "key"));
        await using AzureBlobBackend backend = Open(azurite.Server.Url(AzuriteFixture.NewContainer()));
        await backend.PrepareAsync(None);
        backend.Put("repository.json", """{"format":"checkpointer-repository","version":99}"""u8, None);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => CheckpointRepository.OpenAsync(backend, key, None));
        Assert.Equal(RepositoryCodes.TooNew, e.Code);
    }

    [Fact]
    public async Task Repositories_in_one_container_do_not_see_each_other_even_where_one_lies_inside_the_other()
    {
        using TemporaryDirectory directory = new();
        KeyFile key = KeyFile.LoadOrCreate(Path.Combine(directory.Path, "key"));
        string container = AzuriteFixture.NewContainer();
        string[] prefixes = ["", "a", "a/b", "ab"];
        foreach (string prefix in prefixes)
        {
            await using CheckpointRepository made = await CheckpointRepository.InitAsync(Open(azurite.Server.Url(container, prefix)), key, None);
            Assert.Empty(await made.ListAsync(None));
            await SnapshotAsync(made, prefix);
        }

        foreach (string prefix in prefixes)
        {
            await using CheckpointRepository opened = await CheckpointRepository.OpenAsync(Open(azurite.Server.Url(container, prefix)), key, None);
            Assert.Equal("of " + prefix, Assert.Single(await opened.ListAsync(None)).Content.Name);
        }

        await using AzureBlobBackend outer = Open(azurite.Server.Url(container));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => CheckpointRepository.InitAsync(outer, key, None));
        Assert.Equal(RepositoryCodes.RepositoryExists, e.Code);
    }

    private static async Task SnapshotAsync(CheckpointRepository repository, string prefix)
    {
        using Platform.BlockPool pool = TestRepository.NewPool(TestRepository.PoolBlocks);
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(
            new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool, Workers = 1 }, None);
        FileWriter file = writer.OpenFile("pages-1.img", FileKind.Pages);
        TestRepository.Append(pool, file, TestRepository.Random(100_000, 1));
        file.Complete();
        await writer.CommitAsync(TestRepository.Content("of " + prefix), None);
    }

    private static AzureOptions Options() => new() { FirstPause = TimeSpan.FromMilliseconds(20), GiveUpAfter = TimeSpan.FromSeconds(1) };

    private static AzureBlobBackend Open(string url) => new(AzureUrl.Parse(url, static _ => null), Options());

    private static async Task<RepositoryException> FailsAsync(AzureBlobBackend backend, string code, string secret)
    {
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(async () => await backend.StatAsync("repository.json", None));
        Assert.Equal(code, e.Code);
        Assert.NotNull(e.Remedy);
        Assert.DoesNotContain('\n', e.Message);
        Assert.DoesNotContain(secret, e.ToString(), StringComparison.Ordinal);
        return e;
    }

    private string ConnectionString(string key) =>
        $"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key};BlobEndpoint={azurite.Server.Endpoint}/devstoreaccount1;";

    private async Task<(string Url, string Signature)> SignedAsync(string permissions, DateTimeOffset expires, string key = RightKey)
    {
        string container = AzuriteFixture.NewContainer();
        await using (AzureBlobBackend owner = Open(azurite.Server.Url(container)))
        {
            await owner.PrepareAsync(None);
        }

        BlobSasBuilder sas = new() { BlobContainerName = container, Resource = "c", ExpiresOn = expires, Protocol = SasProtocol.HttpsAndHttp };
        sas.SetPermissions(permissions, normalize: true);
        string query = sas.ToSasQueryParameters(new StorageSharedKeyCredential("devstoreaccount1", key)).ToString();
        return ($"{azurite.Server.Url(container)}?{query}", query[(query.IndexOf("sig=", StringComparison.Ordinal) + 4)..]);
    }
}
