namespace Checkpointer.Repository;

/// <summary>What stands in <c>locks/</c>.</summary>
public enum LockKind
{
    /// <summary>A running writer's intent.</summary>
    Writer,

    /// <summary>A lease of maintenance.</summary>
    Lease,
}

/// <summary>How it stands with a lock.</summary>
public enum LockState
{
    /// <summary>Its holder is or may be alive.</summary>
    Live,

    /// <summary>It ran out, or its holder is a process of this machine that is gone.</summary>
    Stale,

    /// <summary>Young, but nobody can read who holds it.</summary>
    Unreadable,
}

/// <summary>One lock.</summary>
/// <param name="Name">Its name in the repository.</param>
/// <param name="Kind">What it is.</param>
/// <param name="State">Whether it still holds.</param>
/// <param name="Holder">Who holds it, for people; empty where nobody knows.</param>
/// <param name="Snapshot">The snapshot that a writer makes.</param>
/// <param name="Age">Since it was put, or the lease taken or renewed, by the store's time.</param>
/// <param name="Removed">Whether this run removed it.</param>
public sealed record LockEntry(string Name, LockKind Kind, LockState State, string Holder, SnapshotId? Snapshot, TimeSpan Age, bool Removed);

/// <summary>Shows the locks of a repository, and removes them.</summary>
internal sealed class LockTable(IBackend backend, KeyRing keys)
{
    private static readonly string[] Leases = [ObjectNames.MaintenanceLease, ObjectNames.RootsLease];

    /// <param name="removeStale">Remove those that are stale.</param>
    /// <param name="removeAll">Remove all: a writer that lives refuses to commit then, and a prune stops at its next renewal.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task<IReadOnlyList<LockEntry>> RunAsync(bool removeStale, bool removeAll, CancellationToken cancellationToken)
    {
        DateTimeOffset now = await StoreClock.NowAsync(backend, cancellationToken).ConfigureAwait(false);
        List<LockEntry> entries = [];
        foreach (string name in Leases)
        {
            if (await backend.FindLeaseAsync(name, cancellationToken).ConfigureAwait(false) is { } lease)
            {
                entries.Add(Describe(name, lease, now));
            }
        }

        foreach (IntentInfo intent in await new IntentStore(backend, keys).ListAsync(cancellationToken).ConfigureAwait(false))
        {
            LockState state = !intent.IsLive(now) || intent.Holder?.IsDead() == true
                ? LockState.Stale
                : intent.Damage is null ? LockState.Live : LockState.Unreadable;
            string holder = intent.Holder?.ToString() ?? "";
            entries.Add(new LockEntry(intent.Name, LockKind.Writer, state, holder, intent.Snapshot, Age(now, intent.Put), Removed: false));
        }

        for (int i = 0; i < entries.Count; i++)
        {
            if (removeAll || (removeStale && entries[i].State == LockState.Stale))
            {
                entries[i] = entries[i] with { Removed = await RemoveAsync(entries[i], cancellationToken).ConfigureAwait(false) };
            }
        }

        return entries;
    }

    private LockEntry Describe(string name, LeaseInfo lease, DateTimeOffset now)
    {
        LeaseDocument? note = HeldLease.TryRead(keys, lease.Note.Span, name);
        bool dead = note is not null && HeldLease.HolderOf(note).IsDead();
        string holder = note is null ? "" : $"{note.Purpose} by {HeldLease.HolderOf(note)}";
        LockState state = !lease.Held || dead ? LockState.Stale : note is null ? LockState.Unreadable : LockState.Live;
        return new LockEntry(name, LockKind.Lease, state, holder, null, Age(now, lease.Since), Removed: false);
    }

    private async Task<bool> RemoveAsync(LockEntry entry, CancellationToken cancellationToken) => entry.Kind == LockKind.Lease
        ? await backend.BreakLeaseAsync(entry.Name, cancellationToken).ConfigureAwait(false)
        : await backend.DeleteAsync(entry.Name, cancellationToken).ConfigureAwait(false);

    private static TimeSpan Age(DateTimeOffset now, DateTimeOffset since) => now > since ? now - since : TimeSpan.Zero;
}
