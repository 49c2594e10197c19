using Azure;
using Azure.Core;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Checkpointer.Repository;

/// <summary>
/// Leases as the service itself keeps them, on a blob <c>locks/.lease-NAME</c> whose content is the note. The blob is there while the lease is held, or when its holder
/// died; giving back and breaking remove it. A repeated request to take is known by the lease's id, which is ours.
/// </summary>
internal sealed class AzureLeases(AzureClients clients, AzurePlace place, AzureRetry retry, TimeProvider time)
{
    /// <summary>What the service offers.</summary>
    private const int LeastSeconds = 15;
    private const int MostSeconds = 60;

    /// <summary>Times that the blob may vanish between being made and being leased; each needs another one who gave back just then.</summary>
    private const int MaxAttempts = 8;

    public async Task<ILease?> TryTakeAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken)
    {
        TimeSpan whole = TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(duration.TotalSeconds), LeastSeconds, MostSeconds));
        string id = Guid.NewGuid().ToString();
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            long asked = time.GetTimestamp();
            Outcome outcome = await retry.RunAsync(name, (watch, _) => AcquireAsync(name, id, whole, watch.Token), cancellationToken).ConfigureAwait(false);
            if (outcome == Outcome.Held)
            {
                return null;
            }

            if (outcome == Outcome.Absent)
            {
                await retry.RunAsync(name, (watch, _) => MakeAsync(name, watch.Token), cancellationToken).ConfigureAwait(false);
                continue;
            }

            return await retry.RunAsync(name, (watch, _) => WriteNoteAsync(name, id, note, watch.Token), cancellationToken).ConfigureAwait(false)
                ? new AzureLease(this, name, id, whole < duration ? whole : duration, time, asked)
                : null;
        }

        return null;
    }

    public Task<LeaseInfo?> FindAsync(string name, CancellationToken cancellationToken) => retry.RunAsync(
        name,
        async (watch, _) =>
        {
            try
            {
                BlobDownloadResult found = await Blob(name).DownloadContentAsync(watch.Token).ConfigureAwait(false);
                LeaseState state = found.Details.LeaseState;
                ReadOnlyMemory<byte> content = found.Content.ToMemory();
                return state is LeaseState.Leased or LeaseState.Expired or LeaseState.Breaking
                    ? new LeaseInfo(content[..Math.Min(content.Length, LeaseInfo.MaxNote)], found.Details.LastModified, state != LeaseState.Expired)
                    : null;
            }
            catch (RequestFailedException e) when (AzureFailure.IsAbsent(e))
            {
                return null;
            }
        },
        cancellationToken);

    public Task<bool> BreakAsync(string name, CancellationToken cancellationToken) => retry.RunAsync(
        name,
        async (watch, again) =>
        {
            try
            {
                await Lease(name, null).BreakAsync(TimeSpan.Zero, cancellationToken: watch.Token).ConfigureAwait(false);
            }
            catch (RequestFailedException e) when (AzureFailure.IsAbsent(e) || e.ErrorCode == "LeaseNotPresentWithLeaseOperation")
            {
                return again;
            }

            // Not when somebody took it meanwhile: a leased blob is deleted by its holder only.
            await DeleteAsync(name, null, watch.Token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    private async Task<Outcome> AcquireAsync(string name, string id, TimeSpan duration, CancellationToken cancellationToken)
    {
        try
        {
            await Lease(name, id).AcquireAsync(duration, cancellationToken: cancellationToken).ConfigureAwait(false);
            return Outcome.Taken;
        }
        catch (RequestFailedException e) when (AzureFailure.IsAbsent(e))
        {
            return Outcome.Absent;
        }
        catch (RequestFailedException e) when (e.Status == 409 && e.ErrorCode?.StartsWith("Lease", StringComparison.Ordinal) == true)
        {
            return Outcome.Held;
        }
    }

    private async Task<bool> MakeAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await Blob(name).UploadAsync(
                Stream.Null, new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } }, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException e) when (AzureFailure.IsTaken(e) || e.ErrorCode == "LeaseIdMissing")
        {
            return false;
        }
    }

    /// <summary>False: the lease was broken already.</summary>
    private async Task<bool> WriteNoteAsync(string name, string id, ReadOnlyMemory<byte> note, CancellationToken cancellationToken)
    {
        try
        {
            using MemoryStream content = new(note.ToArray(), writable: false);
            await Blob(name).UploadAsync(
                content, new BlobUploadOptions { Conditions = new BlobRequestConditions { LeaseId = id } }, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException e) when (IsLost(e))
        {
            return false;
        }
    }

    private async Task DeleteAsync(string name, string? id, CancellationToken cancellationToken)
    {
        try
        {
            await Blob(name).DeleteAsync(
                DeleteSnapshotsOption.IncludeSnapshots, id is null ? null : new BlobRequestConditions { LeaseId = id }, cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (IsLost(e))
        {
            // Somebody else's by now, or gone.
        }
    }

    /// <summary>The lease is not ours, or there is none.</summary>
    private static bool IsLost(RequestFailedException e) =>
        AzureFailure.IsAbsent(e) || (e.Status is 409 or 412 && e.ErrorCode?.StartsWith("Lease", StringComparison.Ordinal) == true);

    private BlockBlobClient Blob(string name)
    {
        int slash = name.LastIndexOf('/');
        return clients.Container.GetBlockBlobClient($"{place.Prefix}{name.AsSpan(0, slash + 1)}.lease-{name.AsSpan(slash + 1)}");
    }

    private BlobLeaseClient Lease(string name, string? id) => Blob(name).GetBlobLeaseClient(id);

    private enum Outcome
    {
        Taken,
        Held,
        Absent,
    }

    /// <summary>A lease that this process holds.</summary>
    private sealed class AzureLease(AzureLeases leases, string name, string id, TimeSpan duration, TimeProvider time, long asked)
        : TimedLease(name, duration, time, asked)
    {
        /// <summary>Giving back is not worth more: the lease ends by itself.</summary>
        private static readonly TimeSpan ReleaseDeadline = TimeSpan.FromSeconds(10);

        private readonly string _name = name;

        protected override async ValueTask<bool> RenewCoreAsync(CancellationToken cancellationToken) => await leases.RenewAsync(_name, id, cancellationToken).ConfigureAwait(false);

        protected override async ValueTask ReleaseCoreAsync()
        {
            using CancellationTokenSource deadline = new(ReleaseDeadline);
            try
            {
                await leases.ReleaseAsync(_name, id, deadline.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RepositoryException or OperationCanceledException)
            {
                // It expires by itself, and what was done under it is done.
            }
        }
    }

    private Task<bool> RenewAsync(string name, string id, CancellationToken cancellationToken) => retry.RunAsync(
        name,
        async (watch, _) =>
        {
            try
            {
                await Lease(name, id).RenewAsync(cancellationToken: watch.Token).ConfigureAwait(false);
                return true;
            }
            catch (RequestFailedException e) when (IsLost(e))
            {
                return false;
            }
        },
        cancellationToken);

    private Task<bool> ReleaseAsync(string name, string id, CancellationToken cancellationToken) => retry.RunAsync(
        name,
        async (watch, _) =>
        {
            await DeleteAsync(name, id, watch.Token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);
}
