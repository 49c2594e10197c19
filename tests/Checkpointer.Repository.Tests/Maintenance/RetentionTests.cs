namespace Checkpointer.Repository.Tests.Maintenance;

public sealed class RetentionTests
{
    private static readonly LineageId A = LineageId.Parse("a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0");
    private static readonly LineageId B = LineageId.Parse("b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0");
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 22, 10, 0, TimeSpan.Zero);

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public void The_newest_of_each_lineage_stay()
    {
        SnapshotInfo[] all = [Make(A, 1, 0), Make(A, 2, 1), Make(A, 3, 2), Make(B, 7, 0)];
        Assert.Equal("a2 a3 b7", Kept(all, new RetainPolicy { KeepLast = 2 }));
        Assert.Equal("a1 a2 a3 b7", Kept(all, new RetainPolicy { KeepLast = 9 }));
    }

    [Fact]
    public void The_newest_of_each_hour_and_day_stay()
    {
        // 22:10, 22:40, 23:10, 23:40, 00:10, 00:40, 01:10
        SnapshotInfo[] all = [.. Enumerable.Range(0, 7).Select(i => Make(A, i + 1, i * 30))];
        Assert.Equal("a4 a6 a7", Kept(all, new RetainPolicy { KeepHourly = 3 }));
        Assert.Equal("a4 a7", Kept(all, new RetainPolicy { KeepDaily = 2 }));
        Assert.Equal("a4 a7", Kept(all, new RetainPolicy { KeepDaily = 9 }));
        Assert.Equal("a4 a6 a7", Kept(all, new RetainPolicy { KeepLast = 2, KeepDaily = 2 }));
    }

    [Fact]
    public void Within_counts_from_the_newest_of_the_lineage_and_not_from_now()
    {
        SnapshotInfo[] all = [Make(A, 1, 0), Make(A, 2, 60), Make(A, 3, 90), Make(B, 1, 0)];
        Assert.Equal("a2 a3 b1", Kept(all, new RetainPolicy { KeepWithin = TimeSpan.FromMinutes(30) }));
        Assert.Equal("a3 b1", Kept(all, new RetainPolicy { KeepWithin = TimeSpan.Zero }));
    }

    [Fact]
    public void What_restore_takes_without_force_stays_too()
    {
        SnapshotInfo[] all = [Make(A, 1, 0), Make(A, 2, 1), Make(A, 3, 2) with { Superseded = true }, Make(A, 4, 3) with { Superseded = true }];
        Assert.Equal("a2 a4", Kept(all, new RetainPolicy { KeepLast = 1 }));
    }

    [Fact]
    public void A_damaged_snapshot_is_never_removed_and_never_counts()
    {
        SnapshotInfo[] all = [Make(A, 1, 0), Make(A, 2, 1) with { Damage = "x" }, Make(A, 3, 2), Make(A, 4, 3) with { Damage = "x" }];
        Assert.Equal("a2 a3 a4", Kept(all, new RetainPolicy { KeepLast = 1 }));
        Assert.Equal("a2 a4", Kept([all[1], all[3]], new RetainPolicy { KeepLast = 1 }));
    }

    [Fact]
    public void A_clock_that_was_set_back_makes_no_older_state_the_newest()
    {
        SnapshotInfo[] all = [Make(A, 1, 50), Make(A, 2, 100), Make(A, 3, 20), Make(A, 4, 40)];
        Assert.Equal("a4", Kept(all, new RetainPolicy { KeepLast = 1 }));
        Assert.Contains("a4", Kept(all, new RetainPolicy { KeepDaily = 1 }), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_decision_says_why()
    {
        RetainDecision[] decisions = [.. Retention.Decide([Make(A, 1, 0), Make(A, 2, 1)], new RetainPolicy { KeepLast = 1, KeepDaily = 1 })];
        Assert.False(decisions[0].Keep);
        Assert.Empty(decisions[0].Reasons);
        Assert.Equal("newest, newest not superseded, last, daily", string.Join(", ", decisions[1].Reasons));
    }

    [Fact]
    public async Task It_deletes_what_no_rule_keeps_of_the_lineages_that_were_chosen()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        for (int i = 1; i <= 4; i++)
        {
            await test.SnapshotAsync(i, "web", ("f", [1]));
        }

        RetainPolicy policy = new() { KeepLast = 2 };
        RetainReport dry = await test.Repository.RetainAsync(policy, null, dryRun: true, null, None);
        Assert.Equal((2, 0), (dry.Decisions.Count(d => !d.Keep), dry.Removed));
        Assert.Equal(0, (await test.Repository.RetainAsync(policy, _ => false, dryRun: false, null, None)).Removed);
        Assert.Equal(4, (await test.Repository.ListAsync(None)).Count);
        Assert.Equal(2, (await test.Repository.RetainAsync(policy, s => s[^1].Content.Name == "web", dryRun: false, null, None)).Removed);
        Assert.Equal([3L, 4L], (await test.Repository.ListAsync(None)).Select(s => s.Id.Generation));
        UsageException e = await Assert.ThrowsAsync<UsageException>(() => test.Repository.RetainAsync(new RetainPolicy(), null, dryRun: false, null, None));
        Assert.Equal("retain-nothing", e.Code);
    }

    private static SnapshotInfo Make(LineageId lineage, long generation, double minutes) => new()
    {
        Id = new SnapshotId(lineage, generation),
        Content = new ManifestContent { Created = Start.AddMinutes(minutes), Node = "n", Intent = "final" },
        Digest = "",
    };

    private static string Kept(IEnumerable<SnapshotInfo> all, RetainPolicy policy) =>
        string.Join(' ', Retention.Decide(all, policy).Where(d => d.Keep).Select(d => $"{d.Snapshot.Id.ToString()[0]}{d.Snapshot.Id.Generation}"));
}
