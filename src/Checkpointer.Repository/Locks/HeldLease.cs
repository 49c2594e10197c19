using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Repository;

/// <summary>A lease that renews itself while this process runs. <see cref="Lost"/> ends what it protects.</summary>
internal sealed class HeldLease : IAsyncDisposable
{
    /// <summary>How long a lease outlives its holder.</summary>
    internal static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = Duration / 4;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly ILease _lease;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _renewing;

    private HeldLease(ILease lease, TimeProvider time)
    {
        _lease = lease;
        _renewing = RenewAsync(time);
    }

    public CancellationToken Lost => _lease.Lost;

    /// <summary>Waits until it is free; code maintenance-running when it is not within <paramref name="patience"/>.</summary>
    public static async Task<HeldLease> TakeAsync(
        IBackend backend, KeyRing keys, string name, string purpose, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        byte[] note = Note(keys, purpose);
        while (true)
        {
            if (await backend.TryLeaseAsync(name, note, Duration, cancellationToken).ConfigureAwait(false) is { } lease)
            {
                return new HeldLease(lease, time);
            }

            if (time.GetElapsedTime(start) >= patience)
            {
                LeaseInfo? info = await backend.FindLeaseAsync(name, cancellationToken).ConfigureAwait(false);
                string holder = info is null ? "somebody" : Describe(keys, info.Note.Span, name);
                throw new RepositoryException(
                    RepositoryCodes.MaintenanceRunning,
                    $"maintenance of the repository in {backend.Describe()} is running ({holder} holds {name}); nothing was changed",
                    string.Create(CultureInfo.InvariantCulture, $"wait and try again; a holder that died is forgotten after {Duration.TotalSeconds} s ('checkpointer unlock' shows who it is)"))
                { ObjectName = name };
            }

            await Task.Delay(Poll, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What a note says, for people.</summary>
    public static string Describe(KeyRing keys, ReadOnlySpan<byte> note, string name) =>
        TryRead(keys, note, name) is { } document ? $"{document.Purpose} by {HolderOf(document)}" : "a holder that left no readable note";

    public static LockHolder HolderOf(LeaseDocument document) =>
        LockHolder.From(document.Node, document.Pid, document.StartTime, document.BootId, document.PidNamespace);

    /// <summary>Null: not a note of ours.</summary>
    public static LeaseDocument? TryRead(KeyRing keys, ReadOnlySpan<byte> note, string name)
    {
        try
        {
            ObjectId id = ObjectHeader.Read(note, ObjectKind.LeaseNote, name);
            byte[] json = SealedDocument.Open(keys, ObjectKind.LeaseNote, id, note, FormatConstants.MaxLeaseNote, name);
            return RepositoryJson.Parse(json, RepositoryJson.Default.LeaseDocument, name);
        }
        catch (RepositoryException)
        {
            // Shown as unreadable; it decides nothing.
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        await _lease.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private static byte[] Note(KeyRing keys, string purpose)
    {
        LockHolder self = LockHolder.Self();
        LeaseDocument document = new()
        {
            Version = FormatConstants.Version,
            Purpose = purpose,
            Node = self.Node,
            Pid = self.Process?.Pid ?? 0,
            StartTime = self.Process?.StartTime ?? 0,
            BootId = self.Process?.BootId,
            PidNamespace = self.Process?.PidNamespace ?? 0,
        };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.LeaseDocument);
        return SealedDocument.Make(keys, ObjectKind.LeaseNote, ObjectId.New(), json);
    }

    private async Task RenewAsync(TimeProvider time)
    {
        while (!_stop.IsCancellationRequested && !_lease.Lost.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(Interval, time, _stop.Token).ConfigureAwait(false);
                await _lease.RenewAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (RepositoryException)
            {
                // Lost: whoever works under it sees its token. Or the store failed: the next try comes in time, or else the lease calls itself lost.
            }
        }
    }
}
