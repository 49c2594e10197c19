using Azure;
using Azure.Core;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Checkpointer.Repository;

/// <summary>The requests that write: each with a checksum of what it carries, each repeated by <see cref="AzureRetry"/>.</summary>
internal sealed class AzureRequests(AzureClients clients, AzureWire wire, AzurePlace place, AzureRetry retry)
{
    /// <summary>Metadata that names the upload which made an object: a repeated request knows its own success by it.</summary>
    internal const string UploadKey = "upload";

    private const int Created = 201;

    /// <summary>The SDK's client of an object.</summary>
    public BlockBlobClient Blob(string name) => clients.Container.GetBlockBlobClient(place.Prefix + name);

    /// <summary>A whole object in one request. False: the name is taken.</summary>
    public Task<bool> PutAsync(string name, ReadOnlyMemory<byte> data, string upload, CancellationToken cancellationToken)
    {
        string checksum = StorageCrc64.Text(data.Span);
        return CreateAsync(
            name,
            upload,
            async watch =>
            {
                using HttpMessage message = wire.Message(name, RequestMethod.Put);
                message.Request.Headers.Add("x-ms-blob-type", "BlockBlob");
                message.Request.Headers.Add("If-None-Match", "*");
                message.Request.Headers.Add("x-ms-meta-" + UploadKey, upload);
                AzureWire.SetBody(message, data, checksum, watch);
                await wire.SendAsync(message, Created, watch.Token).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>One block of a large object; invisible until its commit.</summary>
    public Task StageAsync(string name, string block, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        string checksum = StorageCrc64.Text(data.Span);
        return retry.RunAsync(
            name,
            async (watch, _) =>
            {
                using HttpMessage message = wire.Message(name, RequestMethod.Put);
                message.Request.Uri.AppendQuery("comp", "block");
                message.Request.Uri.AppendQuery("blockid", block);
                AzureWire.SetBody(message, data, checksum, watch);
                await wire.SendAsync(message, Created, watch.Token).ConfigureAwait(false);
                return true;
            },
            cancellationToken);
    }

    /// <summary>Makes the staged blocks an object. False: the name is taken.</summary>
    public Task<bool> CommitAsync(string name, IReadOnlyList<string> blocks, string upload, CancellationToken cancellationToken) => CreateAsync(
        name,
        upload,
        watch => Blob(name).CommitBlockListAsync(
            blocks,
            new CommitBlockListOptions
            {
                Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All },
                Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { [UploadKey] = upload },
            },
            watch.Token),
        cancellationToken);

    private Task<bool> CreateAsync(string name, string upload, Func<StallWatch, Task> send, CancellationToken cancellationToken) => retry.RunAsync(
        name,
        async (watch, _) =>
        {
            try
            {
                await send(watch).ConfigureAwait(false);
                return true;
            }
            catch (RequestFailedException e) when (AzureFailure.IsTaken(e) || e.ErrorCode == "InvalidBlockList")
            {
                // Ours, when the answer to an earlier attempt was lost. Blocks vanish with another writer's commit, so their absence is looked into the same way.
                string? maker = await MakerAsync(name, watch.Token).ConfigureAwait(false);
                if (maker is null && e.ErrorCode == "InvalidBlockList")
                {
                    throw;
                }

                return maker == upload;
            }
        },
        cancellationToken);

    /// <summary>The upload that made the object; empty when it does not say, null when there is none.</summary>
    private async Task<string?> MakerAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            BlobProperties properties = await Blob(name).GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            return properties.Metadata.TryGetValue(UploadKey, out string? maker) ? maker : "";
        }
        catch (RequestFailedException e) when (AzureFailure.IsAbsent(e))
        {
            return null;
        }
    }
}
