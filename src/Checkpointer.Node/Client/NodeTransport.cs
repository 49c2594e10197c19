using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Checkpointer.Node.Client;

/// <summary>HTTP over the unix socket: connecting, sending, bounded reading, and errors as exceptions.</summary>
internal sealed class NodeTransport : IDisposable
{
    public const string Unreachable = "service-unreachable";

    /// <summary>Bytes. The longest answer is the list of operations: some hundred, a few KiB each.</summary>
    private const int MaxResponseBytes = 16 << 20;

    /// <summary>A unix socket connects at once or not at all; only a full backlog makes it wait.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly string _socketPath;
    private readonly HttpClient _http;

    public NodeTransport(string socketPath)
    {
        _socketPath = socketPath;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => SocketPlace.ConnectAsync(_socketPath, cancellationToken),
            ConnectTimeout = ConnectTimeout,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://localhost"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxResponseBytes,
        };
    }

    public static HttpContent Content<T>(T value, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        return RequestAsync(HttpMethod.Get, path, null, type, cancellationToken);
    }

    public Task<T> PostAsync<T>(string path, HttpContent content, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        return RequestAsync(HttpMethod.Post, path, content, type, cancellationToken);
    }

    /// <summary>For requests that are answered without a body.</summary>
    public async Task PostAsync(string path, HttpContent content, CancellationToken cancellationToken)
    {
        using (content)
        {
            using var response = await SendAsync(HttpMethod.Post, path, content, cancellationToken).ConfigureAwait(false);
            await ThrowIfFailedAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<T> DeleteAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        return RequestAsync(HttpMethod.Delete, path, null, type, cancellationToken);
    }

    /// <summary>Sends and returns once the whole answer is here, whatever its status.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        return SendAsync(method, path, content, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public async IAsyncEnumerable<OperationEvent> EventsAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            HttpMethod.Get, path, null, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        await ThrowIfFailedAsync(response, cancellationToken).ConfigureAwait(false);
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var parser = SseParser.Create(
                stream, (type, data) => new OperationEvent(type, Parse(data, NodeJson.Default.OperationResource)));
            var items = parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (items.ConfigureAwait(false))
            {
                while (await MoveNextAsync(items).ConfigureAwait(false))
                {
                    yield return items.Current.Data;
                }
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> RequestAsync<T>(
        HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using (content)
        {
            using var response = await SendAsync(method, path, content, cancellationToken).ConfigureAwait(false);
            await ThrowIfFailedAsync(response, cancellationToken).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
            return Parse(bytes, type);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            return await _http.SendAsync(request, completion, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new HostException(
                Unreachable,
                $"The service at {_socketPath} cannot be reached: {(e.InnerException ?? e).Message}",
                "Start it with 'checkpointer node', name its socket with --socket, or work without it with --embedded.",
                e);
        }
    }

    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<SseItem<OperationEvent>> items)
    {
        try
        {
            return await items.MoveNextAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // The service died or cut the stream. The end of the stream without a "finished" event says so to the reader.
            return false;
        }
    }

    private static async Task ThrowIfFailedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        await response.Content.LoadIntoBufferAsync(MaxResponseBytes, cancellationToken).ConfigureAwait(false);
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        ErrorResource? error = null;
        try
        {
            error = JsonSerializer.Deserialize(bytes, NodeJson.Default.ErrorResource);
        }
        catch (JsonException)
        {
            // Not one of ours; told below.
        }

        throw error?.Error is { } report
            ? ErrorTranslation.ToException(report)
            : new OperationFailedException(
                "service-answer", $"The service answered {(int)response.StatusCode} {response.ReasonPhrase} without saying why.");
    }

    private static T Parse<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new OperationFailedException(
                "service-answer",
                $"The service's answer was not understood: {e.Message}",
                "Use a client and a service of the same version.",
                e);
        }
    }
}
