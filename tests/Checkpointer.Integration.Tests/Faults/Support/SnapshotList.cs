namespace Checkpointer.Integration.Tests;

/// <summary>What <c>checkpointer list --json</c> says.</summary>
internal static class SnapshotList
{
    internal static async Task<IReadOnlyList<ListedSnapshot>> SnapshotsAsync(this Lab lab)
    {
        var json = (await lab.CheckpointerAsync("list", "--json")).MustSucceed().Json;
        return
        [
            .. json.GetProperty("snapshots").EnumerateArray().Select(entry => new ListedSnapshot(
                entry.GetProperty("snapshot").GetString()!, entry.GetProperty("intent").GetString()!, entry.GetProperty("superseded").GetBoolean())),
        ];
    }

    /// <summary>The workload is gone: exactly one snapshot of it is durable, not superseded, and it restores and verifies.</summary>
    internal static async Task<int> MustRestoreAsync(this Lab lab, CounterWorkload counter, string snapshot)
    {
        var listed = Assert.Single(await lab.SnapshotsAsync(), entry => entry.Id == snapshot);
        Assert.False(listed.Superseded);
        var restored = await lab.RestoreAsync(snapshot);
        await counter.MustBeUnharmedAsync(lab, restored.Pid);
        return restored.Pid;
    }
}

internal sealed record ListedSnapshot(string Id, string Intent, bool Superseded);
