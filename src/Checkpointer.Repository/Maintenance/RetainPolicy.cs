namespace Checkpointer.Repository;

/// <summary>Which snapshots of each lineage stay. A snapshot that any rule keeps, stays.</summary>
public sealed record RetainPolicy
{
    /// <summary>The newest so many.</summary>
    public int KeepLast { get; init; }

    /// <summary>The newest of each of the last so many hours (UTC) that have one.</summary>
    public int KeepHourly { get; init; }

    /// <summary>The newest of each of the last so many days (UTC) that have one.</summary>
    public int KeepDaily { get; init; }

    /// <summary>All that are at most this much older than the newest of their lineage (not than now: a workload that ended keeps its history).</summary>
    public TimeSpan? KeepWithin { get; init; }

    /// <summary>True where no rule keeps anything: that would be a deletion of nearly everything by an omission.</summary>
    public bool IsEmpty => KeepLast <= 0 && KeepHourly <= 0 && KeepDaily <= 0 && KeepWithin is null;
}

/// <summary>What becomes of one snapshot, and why.</summary>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Keep">Whether it stays.</param>
/// <param name="Reasons">The rules that keep it; for one that goes, nothing.</param>
public sealed record RetainDecision(SnapshotInfo Snapshot, bool Keep, IReadOnlyList<string> Reasons);

/// <summary>What a retention did.</summary>
/// <param name="Decisions">By lineage and generation.</param>
/// <param name="Removed">Snapshots that were deleted; 0 after a dry run.</param>
public sealed record RetainReport(IReadOnlyList<RetainDecision> Decisions, int Removed);

/// <summary>Applies a <see cref="RetainPolicy"/>. Pure: the same snapshots give the same answer, whenever it is asked.</summary>
public static class Retention
{
    /// <summary>
    /// Decides for all snapshots. Whatever the policy says, of each lineage these stay: the newest sound one; the newest sound one that was not superseded, since that is what
    /// a person restores without --force; and every one that cannot be read, since nothing is known of it (delete such a one by hand).
    /// </summary>
    public static IReadOnlyList<RetainDecision> Decide(IEnumerable<SnapshotInfo> snapshots, RetainPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(snapshots);
        ArgumentNullException.ThrowIfNull(policy);
        return
        [
            .. snapshots.GroupBy(s => s.Id.Lineage)
                .OrderBy(l => l.Key.ToString(), StringComparer.Ordinal)
                .SelectMany(l => DecideLineage([.. l.OrderByDescending(s => s.Id.Generation)], policy)),
        ];
    }

    private static IEnumerable<RetainDecision> DecideLineage(List<SnapshotInfo> newestFirst, RetainPolicy policy)
    {
        Dictionary<SnapshotId, List<string>> reasons = newestFirst.ToDictionary(s => s.Id, _ => new List<string>());
        foreach (SnapshotInfo damaged in newestFirst.Where(s => s.Damage is not null))
        {
            reasons[damaged.Id].Add("damaged");
        }

        List<SnapshotInfo> sound = [.. newestFirst.Where(s => s.Damage is null)];
        Keep(sound.Take(1), "newest");
        Keep(sound.Where(s => !s.Superseded).Take(1), "newest not superseded");
        Keep(sound.Take(policy.KeepLast), "last");
        Keep(NewestOfEach(sound, s => s.Content.Created.UtcDateTime.Ticks / TimeSpan.TicksPerHour, policy.KeepHourly), "hourly");
        Keep(NewestOfEach(sound, s => s.Content.Created.UtcDateTime.Ticks / TimeSpan.TicksPerDay, policy.KeepDaily), "daily");
        if (policy.KeepWithin is { } age && sound.Count > 0)
        {
            DateTimeOffset newest = sound[0].Content.Created;
            Keep(sound.Where(s => newest - s.Content.Created <= age), "within");
        }

        return newestFirst.AsEnumerable().Reverse().Select(s => new RetainDecision(s, reasons[s.Id].Count > 0, reasons[s.Id]));

        void Keep(IEnumerable<SnapshotInfo> kept, string reason)
        {
            foreach (SnapshotInfo snapshot in kept)
            {
                reasons[snapshot.Id].Add(reason);
            }
        }
    }

    /// <summary>By generation, not by time, within a period: a clock that was set back must not make an older state the newest.</summary>
    private static IEnumerable<SnapshotInfo> NewestOfEach(List<SnapshotInfo> newestFirst, Func<SnapshotInfo, long> periodOf, int count) =>
        newestFirst.GroupBy(periodOf).OrderByDescending(g => g.Key).Take(Math.Max(0, count)).Select(g => g.First());
}
