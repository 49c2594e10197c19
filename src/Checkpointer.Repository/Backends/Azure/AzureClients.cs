using Azure;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;

namespace Checkpointer.Repository;

/// <summary>
/// Makes the SDK's clients for a place, with its retries and time-outs off (<see cref="AzureRetry"/> is the only place that retries), and the credentials, in this
/// order: the signature in the URL; for an account, the variables AZURE_STORAGE_SAS_TOKEN and AZURE_STORAGE_CONNECTION_STRING (where it speaks of this account),
/// then Entra ID: a service principal of the environment, workload identity, managed identity. Nothing is asked for before the first request.
/// </summary>
internal sealed class AzureClients : IDisposable
{
    public const string ConnectionStringVariable = "AZURE_STORAGE_CONNECTION_STRING";
    public const string SasVariable = "AZURE_STORAGE_SAS_TOKEN";

    /// <summary>The emulator's key, as its documentation publishes it: it protects nothing.</summary>
    private const string EmulatorKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// <summary>An address that changed (failover) is found again after this.</summary>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    public AzureClients(AzurePlace place, AzureOptions options)
    {
        _http = new HttpClient(new SocketsHttpHandler
        {
            PooledConnectionLifetime = ConnectionLifetime,
            ConnectTimeout = ConnectTimeout,
            AllowAutoRedirect = false,
            UseCookies = false,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            BlobServiceClient service = Service(place, options);
            Container = service.GetBlobContainerClient(place.ContainerName);
            Pipeline = PipelineAccess.Of(service);
        }
        catch (Exception)
        {
            _http.Dispose();
            throw;
        }
    }

    public BlobContainerClient Container { get; }

    /// <summary>Authenticates and sends, for requests that the SDK would retry in its own way.</summary>
    public HttpPipeline Pipeline { get; }

    /// <summary>How the requests prove who they are, for messages.</summary>
    public string Credential { get; private set; } = "";

    /// <summary>The signature in use, whose dates explain a refusal. Secret.</summary>
    public string? Sas { get; private set; }

    public void Dispose() => _http.Dispose();

    private BlobServiceClient Service(AzurePlace place, AzureOptions options)
    {
        BlobClientOptions client = new() { Transport = new HttpClientTransport(_http) };
        client.Retry.MaxRetries = 0;
        client.Retry.NetworkTimeout = Timeout.InfiniteTimeSpan;
        client.Request100ContinueOptions = new Request100ContinueOptions { Mode = Request100ContinueMode.Never };
        client.Diagnostics.IsLoggingEnabled = false;
        client.Diagnostics.IsDistributedTracingEnabled = false;
        client.Diagnostics.ApplicationId = "checkpointer";
        Uri? endpoint = place.Container is null ? null : new Uri(place.Container.AbsoluteUri[..^(place.ContainerName.Length + 1)]);
        string? connection = options.Environment(ConnectionStringVariable);
        if (place.Kind == AzureKind.ConnectionString)
        {
            return FromConnectionString(connection, client);
        }

        string? sas = place.Sas ?? (place.Kind == AzureKind.Account ? NullIfEmpty(options.Environment(SasVariable)) : null);
        if (sas is not null)
        {
            Sas = sas.TrimStart('?');
            Credential = "a shared access signature";
            return new BlobServiceClient(endpoint, new AzureSasCredential(Sas), client);
        }

        if (place.Kind == AzureKind.Emulator)
        {
            Credential = "the emulator's key";
            return new BlobServiceClient(endpoint, new StorageSharedKeyCredential(AzureUrl.EmulatorAccount, EmulatorKey), client);
        }

        if (NullIfEmpty(connection) is not null && FromConnectionString(connection, client) is { } named && named.Uri.Host == endpoint!.Host)
        {
            return named;
        }

        Credential = "Entra ID (service principal, workload identity or managed identity)";
        return new BlobServiceClient(endpoint, Entra(), client);
    }

    private BlobServiceClient FromConnectionString(string? connection, BlobClientOptions client)
    {
        const string Remedy = $"set {ConnectionStringVariable} to the connection string of the storage account";
        if (NullIfEmpty(connection) is null)
        {
            throw new UsageException("repository-url", $"azure:CONTAINER needs {ConnectionStringVariable}, and it is not set", Remedy);
        }

        Credential = $"the key or signature in {ConnectionStringVariable}";
        try
        {
            return new BlobServiceClient(connection, client);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            // The parser's message may repeat a part of the text, which holds the key.
            throw new UsageException("repository-url", $"{ConnectionStringVariable} is not a connection string of a storage account", Remedy);
        }
    }

    // Only what makes sense for a service: nothing that starts programs, reads caches of tools or asks a person.
    private static DefaultAzureCredential Entra() => new(new DefaultAzureCredentialOptions
    {
        ExcludeAzureCliCredential = true,
        ExcludeAzureDeveloperCliCredential = true,
        ExcludeAzurePowerShellCredential = true,
        ExcludeBrokerCredential = true,
        ExcludeInteractiveBrowserCredential = true,
        ExcludeVisualStudioCodeCredential = true,
        ExcludeVisualStudioCredential = true,
    });

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private sealed class PipelineAccess : BlobServiceClient
    {
        public static HttpPipeline Of(BlobServiceClient service) => GetHttpPipeline(service);
    }
}
