using System.Globalization;
using Checkpointer.Repository.Tests.Incremental;

namespace Checkpointer.Repository.Tests.Maintenance;

/// <summary>
/// A prune with grace 0 between any two steps of a writer that reuses its parent's chunks, with the parent deleted at any of them: what the child names is there,
/// and in the end nothing is left over. No step is left to chance.
/// </summary>
public sealed class PruneBesideWritersTests
{
    private static readonly byte[] Parent = MaintenanceLab.Data(60, 1);
    private static readonly byte[] Child = [.. MaintenanceLab.Data(60, 1).AsSpan(0, 40 * MaintenanceLab.Page), .. MaintenanceLab.Data(20, 2)];

    private static CancellationToken None => CancellationToken.None;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_prune_between_any_two_steps_of_a_writer_removes_nothing_that_the_child_names(bool deleteParent, bool repack)
    {
        int steps = await RunAsync(-1, deleteParent, repack);
        Assert.InRange(steps, 12, 200);
        int reused = 0;
        for (int step = 0; step < steps; step++)
        {
            reused += await RunAsync(step, deleteParent, repack) < 0 ? 1 : 0;
        }

        // With the parent deleted early, it is stored whole; late, it is reused from all the same.
        Assert.InRange(reused, deleteParent ? 1 : steps, steps);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_writer_between_any_two_steps_of_a_prune_keeps_what_it_names(bool repack)
    {
        int steps = await RunInsideAsync(-1, repack);
        Assert.InRange(steps, 10, 300);
        for (int step = 0; step < steps; step++)
        {
            await RunInsideAsync(step, repack);
        }
    }

    [Fact]
    public async Task Manifests_are_not_deleted_while_a_prune_lists_them()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo parent = await lab.SnapshotAsync(1, ("f", Parent));
        HookBackend hooks = new(lab.Memory);
        bool refused = false;
        hooks.Before = (kind, name) =>
        {
            if (kind == "list" && name == ObjectNames.SnapshotsPrefix)
            {
                refused = lab.Memory.TryLeaseAsync(ObjectNames.RootsLease, default, TimeSpan.FromSeconds(60), None).AsTask().GetAwaiter().GetResult() is null;
            }
        };
        await using CheckpointRepository pruner = await CheckpointRepository.OpenAsync(hooks, lab.Test.Key, None);
        await pruner.PruneAsync(lab.Options(), null, null, None);
        Assert.True(refused);
        await lab.Repository.DeleteAsync(parent.Id, None);
    }

    /// <summary>Counts the steps of a writer (step -1), or prunes before one of them. Negative: the child reused its parent.</summary>
    private static async Task<int> RunAsync(int pruneAt, bool deleteParent, bool repack)
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo older = await lab.SnapshotAsync(1, ("f", MaintenanceLab.Data(30, 7)));
        SnapshotInfo parent = await lab.SnapshotAsync(2, ("f", Parent));
        await lab.Repository.DeleteAsync(older.Id, None);
        lab.Pass();
        HookBackend hooks = new(lab.Memory);
        await using CheckpointRepository writing = await CheckpointRepository.OpenAsync(hooks, lab.Test.Key, None);
        int steps = 0;
        Lock gate = new();
        hooks.Before = (_, _) =>
        {
            lock (gate)
            {
                if (steps++ == pruneAt)
                {
                    Disturb(lab, parent.Id, deleteParent, repack).GetAwaiter().GetResult();
                }
            }
        };
        SnapshotInfo child;
        bool reused;
        await using (SnapshotWriter writer = await lab.BeginAsync(writing, 3, parent.Id))
        {
            lab.Test.AppendAll(writer.OpenFile("f", FileKind.Pages), Child);
            child = await writer.CommitAsync(TestRepository.Content(), None);
            reused = child.BytesStored < child.BytesCaptured * 0.6;
        }

        hooks.Before = null;
        string what = string.Create(CultureInfo.InvariantCulture, $"prune before step {pruneAt} of {steps}");
        try
        {
            await lab.Test.MustHoldAsync(child.Id, ("f", Child));
        }
        catch (RepositoryException e)
        {
            Assert.Fail($"{what}: {e.Message}");
        }

        if (!deleteParent)
        {
            await lab.Test.MustHoldAsync(parent.Id, ("f", Parent));
        }

        await lab.PruneAsync(repack);
        await lab.MustBeCleanAsync();
        await lab.Test.MustHoldAsync(child.Id, ("f", Child));
        return pruneAt < 0 ? steps : reused ? -1 : 1;
    }

    private static async Task Disturb(MaintenanceLab lab, SnapshotId parent, bool deleteParent, bool repack)
    {
        lab.Pass();
        if (deleteParent)
        {
            await lab.Repository.DeleteAsync(parent, None);
        }

        await lab.PruneAsync(repack);
        lab.Pass();
    }

    /// <summary>Counts the steps of a prune (step -1), or runs a whole writer before one of them; its parent is deleted as soon as it is done, and so on for its child.</summary>
    private static async Task<int> RunInsideAsync(int writeAt, bool repack)
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo first = await lab.SnapshotAsync(1, ("f", Parent));
        SnapshotInfo second = await lab.SnapshotAsync(2, ("f", [.. Parent.AsSpan(0, 10 * MaintenanceLab.Page), .. MaintenanceLab.Data(40, 3)]));
        await lab.Repository.DeleteAsync(first.Id, None);
        lab.Pass();
        HookBackend hooks = new(lab.Memory);
        await using CheckpointRepository pruning = await CheckpointRepository.OpenAsync(hooks, lab.Test.Key, None);
        int steps = 0;
        Lock gate = new();
        byte[] third = [.. Parent.AsSpan(0, 10 * MaintenanceLab.Page), .. MaintenanceLab.Data(40, 3).AsSpan(0, 20 * MaintenanceLab.Page), .. MaintenanceLab.Data(9, 4)];
        byte[] fourth = [.. third.AsSpan(0, 30 * MaintenanceLab.Page), .. MaintenanceLab.Data(9, 5)];
        hooks.Before = (_, _) =>
        {
            lock (gate)
            {
                if (steps++ == writeAt)
                {
                    lab.Pass(TimeSpan.FromSeconds(5));
                    WriteTwo().GetAwaiter().GetResult();
                    lab.Pass(TimeSpan.FromSeconds(5));
                }
            }
        };
        await pruning.PruneAsync(lab.Options(repack), null, null, None);
        hooks.Before = null;
        if (steps > writeAt && writeAt >= 0)
        {
            await lab.Test.MustHoldAsync(new SnapshotId(lab.Test.Lineage, 3), ("f", third));
            await lab.Test.MustHoldAsync(new SnapshotId(lab.Test.Lineage, 4), ("f", fourth));
            Assert.NotNull(await lab.Repository.FindNewestAsync(lab.Test.Lineage.ToString(), None));
        }
        else
        {
            await lab.Test.MustHoldAsync(second.Id, ("f", [.. Parent.AsSpan(0, 10 * MaintenanceLab.Page), .. MaintenanceLab.Data(40, 3)]));
        }

        await lab.PruneAsync(repack);
        await lab.MustBeCleanAsync();
        return steps;

        async Task WriteTwo()
        {
            await lab.SnapshotAsync(3, ("f", third));
            await lab.SnapshotAsync(4, ("f", fourth));
        }
    }
}
