using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Checkpointer.Repository;

/// <summary>A manifest that was read and authenticated.</summary>
internal sealed record LoadedManifest(SnapshotInfo Info, MapReference Map);

/// <summary>Where the map of a manifest is; all numbers are bounded.</summary>
internal sealed record MapReference(ObjectId Id, long Length, long IndexOffset, long IndexFrame, int IndexLength, string IndexDigest);

/// <summary>Reads and writes manifests and superseded markers.</summary>
internal sealed class SnapshotStore(IBackend backend, KeyRing keys)
{
    private const string CopiedReason = "superseded in the repository that it was copied from";

    private static readonly ManifestContent Unreadable = new() { Created = DateTimeOffset.UnixEpoch, Node = "", Intent = "" };

    /// <summary>Codes snapshot-not-found, repository-damaged, repository-too-new.</summary>
    public async Task<LoadedManifest> LoadAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        LoadedManifest manifest = await LoadUnmarkedAsync(id, cancellationToken).ConfigureAwait(false);
        bool superseded = await IsSupersededAsync(id, manifest.Info.Digest, cancellationToken).ConfigureAwait(false);
        return manifest with { Info = manifest.Info with { Superseded = superseded } };
    }

    /// <summary>As <see cref="LoadAsync"/>, without looking whether it was superseded.</summary>
    public async Task<LoadedManifest> LoadUnmarkedAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Manifest(id);
        byte[] data = await backend.TryReadAllAsync(name, SealedDocument.ObjectLength(FormatConstants.MaxManifest), cancellationToken).ConfigureAwait(false)
            ?? throw new RepositoryException(
                RepositoryCodes.SnapshotNotFound, $"there is no snapshot {id} in {backend.Describe()}", "run 'checkpointer list' to see the snapshots")
            { ObjectName = name };
        string digest = DigestOf(data);
        byte[] json = SealedDocument.Open(keys, ObjectKind.Manifest, id, data, FormatConstants.MaxManifest, name);
        ManifestDocument document = RepositoryJson.Parse(json, RepositoryJson.Default.ManifestDocument, name);
        return ManifestMapping.Read(document, id, digest, data.Length, name);
    }

    /// <summary>A sound manifest, or null for one that is absent, damaged or too new.</summary>
    public async Task<LoadedManifest?> TryLoadAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        try
        {
            return await LoadAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.SnapshotNotFound or RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            return null;
        }
    }

    /// <summary>For listings: a damaged snapshot comes with its damage. Null: it was deleted meanwhile.</summary>
    public async Task<SnapshotInfo?> DescribeAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        try
        {
            return (await LoadAsync(id, cancellationToken).ConfigureAwait(false)).Info;
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotNotFound)
        {
            return null;
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            return new SnapshotInfo { Id = id, Content = Unreadable, Digest = "", Damage = e.Message };
        }
    }

    /// <summary>SHA-256 of a manifest object as stored, or null where there is none.</summary>
    public async Task<string?> TryDigestAsync(SnapshotId id, CancellationToken cancellationToken) =>
        await backend.TryReadAllAsync(ObjectNames.Manifest(id), SealedDocument.ObjectLength(FormatConstants.MaxManifest), cancellationToken).ConfigureAwait(false) is { } data
            ? DigestOf(data)
            : null;

    /// <summary>Seals and commits, create-only. Code generation-taken. A superseded one is never visible without its marker: that comes first.</summary>
    public async Task<SnapshotInfo> CommitAsync(SnapshotId id, ManifestDocument document, bool superseded, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Manifest(id);
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.ManifestDocument);
        if (json.Length > FormatConstants.MaxManifest)
        {
            throw new RepositoryException(
                RepositoryCodes.LimitExceeded,
                string.Create(CultureInfo.InvariantCulture, $"the manifest would have {json.Length} bytes, more than {FormatConstants.MaxManifest}"));
        }

        byte[] data = SealedDocument.Make(keys, ObjectKind.Manifest, id, json);
        string digest = DigestOf(data);
        if (superseded && await backend.StatAsync(name, cancellationToken).ConfigureAwait(false) is null)
        {
            // (Where a manifest stands already, the marker is its own, and this commit is about to be told so.)
            await PutMarkerAsync(id, digest, CopiedReason, cancellationToken).ConfigureAwait(false);
        }

        bool created;
        try
        {
            created = backend.Put(name, data, cancellationToken);
        }
        catch (Exception)
        {
            await WithdrawAsync(id, digest).ConfigureAwait(false);
            throw;
        }

        if (created && superseded)
        {
            // Another copy may have replaced the marker by one that speaks of its own manifest.
            await PutMarkerAsync(id, digest, CopiedReason, cancellationToken).ConfigureAwait(false);
        }

        return created
            ? ManifestMapping.Read(document, id, digest, data.Length, name).Info with { Superseded = superseded }
            : throw new RepositoryException(
                RepositoryCodes.GenerationTaken,
                $"generation {id.Generation} of lineage {id.Lineage} was committed by another writer; nothing of this one is visible",
                "take the next generation")
            { ObjectName = name };
    }

    public async Task MarkSupersededAsync(SnapshotId id, string reason, CancellationToken cancellationToken)
    {
        string digest = await TryDigestAsync(id, cancellationToken).ConfigureAwait(false)
            ?? throw new RepositoryException(RepositoryCodes.SnapshotNotFound, $"there is no snapshot {id} in {backend.Describe()}");
        await PutMarkerAsync(id, digest, reason, cancellationToken).ConfigureAwait(false);
    }

    private async Task PutMarkerAsync(SnapshotId id, string digest, string reason, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Superseded(id);
        MarkerDocument marker = new() { Version = FormatConstants.Version, Manifest = digest, Reason = reason };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(marker, RepositoryJson.Default.MarkerDocument);
        byte[] data = SealedDocument.Make(keys, ObjectKind.Superseded, id, json);
        if (!backend.Put(name, data, cancellationToken) && !await IsSupersededAsync(id, digest, cancellationToken).ConfigureAwait(false))
        {
            // A marker that speaks of an earlier, deleted snapshot of this generation: an interrupted delete left it.
            await backend.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            backend.Put(name, data, cancellationToken);
        }
    }

    /// <summary>Manifest first: from then on the snapshot does not exist.</summary>
    public async Task DeleteAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        if (!await TryDeleteAsync(id, cancellationToken).ConfigureAwait(false))
        {
            throw new RepositoryException(
                RepositoryCodes.SnapshotNotFound, $"there is no snapshot {id} in {backend.Describe()}", "run 'checkpointer list' to see the snapshots");
        }
    }

    /// <summary>As <see cref="DeleteAsync"/>; false: it was not there.</summary>
    public async Task<bool> TryDeleteAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        bool deleted = await backend.DeleteAsync(ObjectNames.Manifest(id), cancellationToken).ConfigureAwait(false);
        await backend.DeleteAsync(ObjectNames.Superseded(id), cancellationToken).ConfigureAwait(false);
        return deleted;
    }

    private static string DigestOf(ReadOnlySpan<byte> data) => Convert.ToHexStringLower(SHA256.HashData(data));

    /// <summary>The digest of the manifest that was marked as superseded; null without a mark.</summary>
    /// <exception cref="RepositoryException">Codes repository-damaged, repository-too-new: there is a mark, and it cannot be read.</exception>
    public async Task<string?> ReadMarkAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Superseded(id);
        if (await backend.TryReadAllAsync(name, SealedDocument.ObjectLength(FormatConstants.MaxMarker), cancellationToken).ConfigureAwait(false) is not { } data)
        {
            return null;
        }

        byte[] json = SealedDocument.Open(keys, ObjectKind.Superseded, id, data, FormatConstants.MaxMarker, name);
        return RepositoryJson.Parse(json, RepositoryJson.Default.MarkerDocument, name).Manifest;
    }

    private async Task<bool> IsSupersededAsync(SnapshotId id, string digest, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadMarkAsync(id, cancellationToken).ConfigureAwait(false) == digest;
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            // The safe side: a second running copy does more harm than a question.
            return true;
        }
    }

    /// <summary>
    /// A commit that failed may have become visible all the same (the directory flush failed after the link). The caller is told of a failure and lets the workload
    /// run on, so the manifest must not stay; if it cannot be removed either, the original error is still the one to report.
    /// </summary>
    private async Task WithdrawAsync(SnapshotId id, string digest)
    {
        try
        {
            if (await TryDigestAsync(id, CancellationToken.None).ConfigureAwait(false) == digest)
            {
                await backend.DeleteAsync(ObjectNames.Manifest(id), CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (RepositoryException)
        {
            // Nothing more can be done here; the error that led here follows.
        }
    }
}
