using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs.Models;

namespace Checkpointer.Repository;

/// <summary>
/// A repository in a container of Azure Blob Storage, under a prefix. Every object is made by one conditional request, so that the service itself decides between
/// two writers; reads are ranged and verified; requests that fail in passing are repeated (<see cref="AzureRetry"/>), and a repeated request knows its own success.
/// </summary>
public sealed partial class AzureBlobBackend : IBackend
{
    private readonly AzurePlace _place;
    private readonly AzureOptions _options;
    private readonly AzureClients _clients;
    private readonly AzureRetry _retry;
    private readonly AzureRequests _requests;
    private readonly AzureRanges _ranges;
    private readonly AzureLeases _leases;
    private readonly BlockLanes _lanes;

    internal AzureBlobBackend(AzurePlace place, AzureOptions options)
    {
        _place = place;
        _options = options;
        _clients = new AzureClients(place, options);
        _retry = new AzureRetry(new AzureErrors(place.Describe(), place.ContainerName, _clients, options.Time), options, new StoreTroubles(place.Describe(), options));
        AzureWire wire = new(_clients, place);
        _requests = new AzureRequests(_clients, wire, place, _retry);
        _ranges = new AzureRanges(_clients, wire, place, _retry);
        _leases = new AzureLeases(_clients, place, _retry, options.Time);
        _lanes = new BlockLanes(options.Lanes, options.BlockBytes);
    }

    /// <summary>Requests that had to be repeated so far.</summary>
    public long Repeats => _retry.Repeats;

    /// <inheritdoc/>
    public string Describe() => _place.Describe();

    /// <inheritdoc/>
    public long UploadBytes(int uploads) => BlockLanes.Memory(uploads, _options.Lanes, _options.BlockBytes);

    /// <summary>Makes the container where there is none.</summary>
    public async ValueTask PrepareAsync(CancellationToken cancellationToken) =>
        await _retry.RunAsync(
            null,
            async (watch, _) =>
            {
                // Asked first: whoever may not make containers may still use one.
                if (!await ExistsAsync(watch.Token).ConfigureAwait(false))
                {
                    await _clients.Container.CreateIfNotExistsAsync(cancellationToken: watch.Token).ConfigureAwait(false);
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public IObjectUpload BeginPut(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        cancellationToken.ThrowIfCancellationRequested();
        return new AzureUpload(_requests, _lanes, name, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(name, offset, destination, verify: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<int> ReadSealedAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(name, offset, destination, verify: false, cancellationToken);

    private async ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, bool verify, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return await _ranges.ReadAsync(name, offset, destination, verify, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return await _retry.RunAsync(name, (watch, _) => StatOnceAsync(name, watch.Token), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length > 0 && (prefix[^1] != '/' || !ObjectNames.IsValid(prefix[..^1])))
        {
            throw new ArgumentException($"'{prefix}' is not a valid prefix", nameof(prefix));
        }

        string? next = null;
        do
        {
            string? from = next;
            Page<BlobItem> page = await _retry.RunAsync(null, (watch, _) => PageAsync(prefix, from, watch.Token), cancellationToken).ConfigureAwait(false);
            foreach (BlobItem item in page.Values)
            {
                string name = item.Name[_place.Prefix.Length..];
                if (ObjectNames.IsValid(name) && !IsFolder(item))
                {
                    yield return new ObjectInfo(name, item.Properties.ContentLength ?? 0, item.Properties.LastModified ?? default);
                }
            }

            next = page.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(next));
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return await _retry.RunAsync(
            name,
            async (watch, again) =>
            {
                try
                {
                    await _requests.Blob(name).DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: watch.Token).ConfigureAwait(false);
                    return true;
                }
                catch (RequestFailedException e) when (AzureFailure.IsAbsent(e))
                {
                    // After a lost answer the absence is most likely our own doing.
                    return again;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _clients.Dispose();
        _lanes.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Accounts with a hierarchical namespace list their folders as empty objects.</summary>
    private static bool IsFolder(BlobItem item) =>
        item.Metadata is { } metadata && metadata.TryGetValue("hdi_isfolder", out string? folder) && folder == "true";

    private async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        try
        {
            // By listing, which a signature for one container allows.
            await PageAsync("", null, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException e) when (AzureFailure.IsNoContainer(e))
        {
            return false;
        }
    }

    private async Task<ObjectInfo?> StatOnceAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            BlobProperties found = await _requests.Blob(name).GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            return new ObjectInfo(name, found.ContentLength, found.LastModified);
        }
        catch (RequestFailedException e) when (AzureFailure.IsAbsent(e))
        {
            return null;
        }
    }

    private async Task<Page<BlobItem>> PageAsync(string prefix, string? from, CancellationToken cancellationToken)
    {
        AsyncPageable<BlobItem> blobs = _clients.Container.GetBlobsAsync(BlobTraits.Metadata, BlobStates.None, _place.Prefix + prefix, cancellationToken);
        await foreach (Page<BlobItem> page in blobs.AsPages(from, _options.PageSize).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            return page;
        }

        throw new CorruptTransferException("a listing came without a page");
    }
}
