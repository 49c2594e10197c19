using System.Globalization;
using Azure;
using Azure.Core;

namespace Checkpointer.Repository;

/// <summary>
/// Single requests to the service through the SDK's authenticating pipeline, for the data itself: the SDK's own calls would repeat reads behind their stream, copy
/// uploads, and send checksums in a wrapping of the body that the emulator does not know. Everything else goes by the SDK's calls.
/// </summary>
internal sealed class AzureWire(AzureClients clients, AzurePlace place)
{
    /// <summary>Version of the service's interface: knows the checksums that we use, and every current account speaks it.</summary>
    private const string ServiceVersion = "2024-11-04";

    /// <summary>Bytes of an error's body that are looked at: a code and a sentence.</summary>
    private const int MaxErrorBody = 8 << 10;

    public HttpMessage Message(string name, RequestMethod method)
    {
        HttpMessage message = clients.Pipeline.CreateMessage();
        message.BufferResponse = false;
        message.Request.Method = method;
        message.Request.Uri.Reset(clients.Container.GetBlobClient(place.Prefix + name).Uri);
        message.Request.Headers.Add("x-ms-version", ServiceVersion);
        return message;
    }

    /// <summary>Gives the message a body with the checksum that the service verifies before it takes anything.</summary>
    public static void SetBody(HttpMessage message, ReadOnlyMemory<byte> data, string checksum, StallWatch watch)
    {
        message.Request.Headers.Add("Content-Length", data.Length.ToString(CultureInfo.InvariantCulture));
        message.Request.Headers.Add("x-ms-content-crc64", checksum);
        message.Request.Content = new WatchedContent(data, watch);
    }

    /// <summary>Sends; any other answer than <paramref name="expected"/> is a <see cref="RequestFailedException"/>.</summary>
    public async Task SendAsync(HttpMessage message, int expected, CancellationToken cancellationToken)
    {
        await clients.Pipeline.SendAsync(message, cancellationToken).ConfigureAwait(false);
        if (message.Response.Status != expected)
        {
            throw await FailureAsync(message.Response, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The error that an answer tells. Its body is read here: the exception's own constructor would read it without an end to its patience.</summary>
    public static async Task<RequestFailedException> FailureAsync(Response response, CancellationToken cancellationToken)
    {
        if (response.ContentStream is { } content)
        {
            byte[] body = new byte[MaxErrorBody];
            int length = await content.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            await content.DisposeAsync().ConfigureAwait(false);
            response.ContentStream = new MemoryStream(body, 0, length, writable: false, publiclyVisible: true);
        }

        return new RequestFailedException(response);
    }

    /// <summary>The caller's memory as a body, without a copy; tells the watch how it goes.</summary>
    private sealed class WatchedContent(ReadOnlyMemory<byte> data, StallWatch watch) : RequestContent
    {
        /// <summary>Bytes written at once: a slow connection shows its progress.</summary>
        private const int Slice = 64 << 10;

        public override bool TryComputeLength(out long length)
        {
            length = data.Length;
            return true;
        }

        public override void WriteTo(Stream stream, CancellationToken cancellation) => stream.Write(data.Span);

        public override async Task WriteToAsync(Stream stream, CancellationToken cancellation)
        {
            for (int at = 0; at < data.Length; at += Slice)
            {
                await stream.WriteAsync(data.Slice(at, Math.Min(Slice, data.Length - at)), cancellation).ConfigureAwait(false);
                watch.Report(at);
            }
        }

        public override void Dispose()
        {
        }
    }
}
