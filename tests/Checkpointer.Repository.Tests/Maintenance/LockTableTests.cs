using System.Diagnostics;
using System.Text.Json;
using Checkpointer.Platform;

namespace Checkpointer.Repository.Tests.Maintenance;

public sealed class LockTableTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_running_writer_is_shown_and_left_alone()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        Assert.Empty(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None));
        await using SnapshotWriter writer = await lab.BeginAsync(lab.Repository, 5, null);
        lab.Pass(TimeSpan.FromMinutes(90));
        LockEntry entry = Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None));
        Assert.Equal((LockKind.Writer, LockState.Live, false), (entry.Kind, entry.State, entry.Removed));
        Assert.Equal(new SnapshotId(lab.Test.Lineage, 5), entry.Snapshot);
        Assert.Contains($"process {Environment.ProcessId} on ", entry.Holder, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(90), entry.Age);

        Assert.True(Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: true, None)).Removed);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
        Assert.Equal(RepositoryCodes.IntentLost, e.Code);
    }

    [Fact]
    public async Task An_intent_of_yesterday_is_stale()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        await using SnapshotWriter writer = await lab.BeginAsync(lab.Repository, 1, null);
        lab.Pass(TimeSpan.FromHours(25));
        Assert.Equal(LockState.Stale, Assert.Single(await lab.Repository.LocksAsync(removeStale: false, removeAll: false, None)).State);
        Assert.True(Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None)).Removed);
        Assert.Empty(lab.Names(ObjectNames.LocksPrefix));
    }

    [Fact]
    public async Task An_intent_of_a_process_of_this_machine_that_is_gone_is_stale_and_prune_frees_what_it_left()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        lab.Memory[ObjectNames.Pack(ObjectId.New())] = new byte[1000];
        PutIntent(lab, await DeadAsync());
        lab.Memory[ObjectNames.Pack(ObjectId.New())] = new byte[1000];
        Assert.Empty((await lab.PruneAsync()).Plan.Deletions);
        LockEntry entry = Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None));
        Assert.Equal((LockState.Stale, true), (entry.State, entry.Removed));
        Assert.Equal(2, (await lab.PruneAsync()).Deleted);
        await lab.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_process_of_another_boot_may_be_alive_elsewhere()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        PutIntent(lab, await DeadAsync() with { BootId = "11111111-2222-3333-4444-555555555555" });
        LockEntry entry = Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None));
        Assert.Equal((LockState.Live, false), (entry.State, entry.Removed));
    }

    [Fact]
    public async Task Leases_are_shown_with_their_holders_and_stale_ones_go()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        IReadOnlyList<LockEntry> during = [];
        await lab.Repository.PruneAsync(
            lab.Options(),
            _ => during = lab.Repository.LocksAsync(removeStale: true, removeAll: false, None).GetAwaiter().GetResult(),
            null,
            None);
        LockEntry held = Assert.Single(during);
        Assert.Equal((LockKind.Lease, LockState.Live, false), (held.Kind, held.State, held.Removed));
        Assert.StartsWith($"prune by process {Environment.ProcessId} on ", held.Holder, StringComparison.Ordinal);
        Assert.Empty(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None));

        await lab.Memory.TryLeaseAsync(ObjectNames.RootsLease, new byte[] { 1 }, TimeSpan.FromSeconds(60), None);
        Assert.Equal(LockState.Unreadable, Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None)).State);
        lab.Pass(TimeSpan.FromSeconds(61));
        LockEntry stale = Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None));
        Assert.Equal((ObjectNames.RootsLease, LockState.Stale, true), (stale.Name, stale.State, stale.Removed));
    }

    private static void PutIntent(MaintenanceLab lab, ProcessIdentity process)
    {
        ObjectId id = ObjectId.New();
        IntentDocument document = new()
        {
            Version = 1,
            Node = "here",
            Pid = process.Pid,
            StartTime = process.StartTime,
            BootId = process.BootId,
            PidNamespace = process.PidNamespace,
        };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.IntentDocument);
        lab.Memory[ObjectNames.Intent(id)] = SealedDocument.Make(lab.Repository.Keys, ObjectKind.Intent, id, json);
    }

    /// <summary>The identity of a process that ran here and is gone.</summary>
    private static async Task<ProcessIdentity> DeadAsync()
    {
        using Process process = Process.Start(new ProcessStartInfo("sleep", ["60"]))!;
        ProcessIdentity identity = ProcessIdentity.Of(process.Id)!;
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return identity;
    }
}
