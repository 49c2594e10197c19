using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Azure;
using Azure.Core;

namespace Checkpointer.Repository;

/// <summary>
/// Ranged reads, straight into the caller's memory, each verified against the checksum that the service tells for it, where the caller does not authenticate the bytes by
/// himself. Longer reads are several requests at once.
/// </summary>
internal sealed class AzureRanges(AzureClients clients, AzureWire wire, AzurePlace place, AzureRetry retry)
{
    /// <summary>Requests of one long read at once.</summary>
    private const int Parallel = 4;

    // The emulator knows no other checksum of a range; the service's own CRC costs a third of MD5.
    private readonly bool _md5 = place.Kind == AzureKind.Emulator;

    public async Task<int> ReadAsync(string name, long offset, Memory<byte> destination, bool verify, CancellationToken cancellationToken)
    {
        if (destination.Length <= AzureOptions.MaxRange)
        {
            return destination.Length == 0 ? 0 : await ReadPieceAsync(name, offset, destination, verify, cancellationToken).ConfigureAwait(false);
        }

        int pieces = (destination.Length + AzureOptions.MaxRange - 1) / AzureOptions.MaxRange;
        int[] read = new int[pieces];
        await System.Threading.Tasks.Parallel.ForAsync(
            0,
            pieces,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
            async (i, token) =>
            {
                int start = i * AzureOptions.MaxRange;
                Memory<byte> piece = destination.Slice(start, Math.Min(AzureOptions.MaxRange, destination.Length - start));
                read[i] = await ReadPieceAsync(name, offset + start, piece, verify, token).ConfigureAwait(false);
            }).ConfigureAwait(false);
        return read.Sum();
    }

    private Task<int> ReadPieceAsync(string name, long offset, Memory<byte> destination, bool verify, CancellationToken cancellationToken) =>
        retry.RunAsync(name, (watch, _) => ReadOnceAsync(name, offset, destination, verify, watch), cancellationToken);

    private async Task<int> ReadOnceAsync(string name, long offset, Memory<byte> destination, bool verify, StallWatch watch)
    {
        using HttpMessage message = wire.Message(name, RequestMethod.Get);
        Request request = message.Request;
        request.Headers.Add("x-ms-range", string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-{offset + destination.Length - 1}"));
        if (verify)
        {
            request.Headers.Add(_md5 ? "x-ms-range-get-content-md5" : "x-ms-range-get-content-crc64", "true");
        }

        await clients.Pipeline.SendAsync(message, watch.Token).ConfigureAwait(false);
        Response response = message.Response;
        switch (response.Status)
        {
            case 206:
                break;
            case 416:
                return 0;
            case 200:
                throw new CorruptTransferException("a range was asked for and the whole object came");
            default:
                throw await AzureWire.FailureAsync(response, watch.Token).ConfigureAwait(false);
        }

        if (response.Headers.ContentLength == 0)
        {
            return 0; // the emulator's answer where the service says 416
        }

        int length = Expected(response, offset, destination.Length);
        await FillAsync(response.ContentStream!, destination[..length], watch).ConfigureAwait(false);
        if (verify)
        {
            Verify(response, destination.Span[..length]);
        }

        return length;
    }

    /// <summary>The bytes that will come, when they are the ones that were asked for.</summary>
    private static int Expected(Response response, long offset, int wanted)
    {
        if (!response.Headers.TryGetValue("Content-Range", out string? text) || !ContentRangeHeaderValue.TryParse(text, out ContentRangeHeaderValue? range)
            || range.From != offset || range.To is not { } last || last - offset + 1 > wanted)
        {
            throw new CorruptTransferException("another range came than was asked for");
        }

        return (int)(last - offset + 1);
    }

    private static async Task FillAsync(Stream content, Memory<byte> destination, StallWatch watch)
    {
        int done = 0;
        while (done < destination.Length)
        {
            int read = await content.ReadAsync(destination[done..], watch.Token).ConfigureAwait(false);
            if (read == 0)
            {
                throw new CorruptTransferException($"{done} of {destination.Length} bytes came");
            }

            done += read;
            watch.Report(done);
        }
    }

    // A store that tells no checksum is believed here: every frame is authenticated later anyway.
    private static void Verify(Response response, ReadOnlySpan<byte> data)
    {
        string? own = response.Headers.TryGetValue("x-ms-content-crc64", out string? told) ? StorageCrc64.Text(data)
            : response.Headers.TryGetValue("Content-MD5", out told) ? Convert.ToBase64String(MD5.HashData(data))
            : null;
        if (own != told)
        {
            throw new CorruptTransferException("the checksum of a range is wrong");
        }
    }
}
