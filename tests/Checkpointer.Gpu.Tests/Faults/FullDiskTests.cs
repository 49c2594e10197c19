using Checkpointer.Engine;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Restoring;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// The journal cannot be written any more, from any of its writes on. A step that is not begun yet is refused, and what was done is undone without it;
/// what is being undone, and what has ended, goes on. Nobody is left waiting for a GPU.
/// </summary>
public sealed class FullDiskTests : IDisposable
{
    private const int NoSpace = 28; // ENOSPC

    private readonly SimulatedNode _node = new("full", "h100", "gpus=1");
    private readonly EngineBench _bench;
    private readonly List<string> _writes = [];
    private int _refused;

    public FullDiskTests()
    {
        _bench = new EngineBench(_node);
    }

    public void Dispose()
    {
        _bench.Dispose();
        _node.Dispose();
    }

    [Fact]
    public async Task The_tables_below_name_every_write()
    {
        await ReadyAsync();
        using var sample = new Sample(_node, mib: 2);
        FailFrom("nothing");
        await CheckpointAsync(sample, "op-1", leaveRunning: true);
        Assert.Equal(
            ["prepare", "prepare Locking", "prepare Checkpointing", "dump Checkpointed", "dump Checkpointed criu", "commit Resuming criu", "commit criu"], _writes);
        _writes.Clear();
        var ended = await CheckpointAsync(sample, "op-2", leaveRunning: false);
        Assert.Equal(
            ["prepare", "prepare Locking", "prepare Checkpointing", "dump Checkpointed", "dump Checkpointed criu", "commit Checkpointed criu", "end Checkpointed criu", "end criu"], _writes);
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        _writes.Clear();
        using var tree = new RestoredTree(await RestoreAsync("op-3", ended.Snapshot), sample.Log);
        Assert.Equal(["prepare", "restore", "restore Awaited", "restore Awaited released", "restore Restoring released", "restore released"], _writes);
    }

    [Theory]
    [InlineData(true, "prepare Locking")]
    [InlineData(true, "prepare Checkpointing")]
    [InlineData(true, "dump Checkpointed")]
    [InlineData(true, "dump Checkpointed criu")]
    [InlineData(false, "prepare Locking")]
    [InlineData(false, "prepare Checkpointing")]
    [InlineData(false, "dump Checkpointed")]
    [InlineData(false, "dump Checkpointed criu")]
    [InlineData(false, "commit Checkpointed criu")]
    public async Task A_step_that_cannot_be_written_down_is_not_taken_and_all_is_undone(bool leaveRunning, string from)
    {
        await ReadyAsync();
        using var pair = new SampleTree(_node);
        FailFrom(from);

        var error = await Assert.ThrowsAsync<OperationFailedException>(() => CheckpointAsync(pair.Root.Pid, "op-1", leaveRunning));

        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.Equal((ExitCode.Failed, WorkloadState.Running, false), (error.ExitCode, error.Workload, error.SnapshotDurable));
        Assert.Contains("errno 28", error.Message, StringComparison.Ordinal);
        await MustRunAsync(pair);
        Assert.Empty(_bench.Entries);
    }

    [Theory]
    [InlineData("commit Resuming criu")]
    [InlineData("commit criu")]
    public async Task A_workload_that_lives_on_gets_its_gpus_and_its_snapshot_although_that_cannot_be_written_down(string from)
    {
        await ReadyAsync();
        using var pair = new SampleTree(_node);
        FailFrom(from);

        var result = await CheckpointAsync(pair.Root.Pid, "op-1", leaveRunning: true);

        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.Equal(FindingSeverity.Note, Assert.Single(result.Findings, static f => f.Code == "journal-not-written").Severity);
        await MustRunAsync(pair);
        Assert.Empty(_bench.Entries);
    }

    [Theory]
    [InlineData("end Checkpointed criu")]
    [InlineData("end criu")]
    public async Task A_workload_that_has_ended_as_it_should_is_done_although_that_cannot_be_written_down(string from)
    {
        await ReadyAsync();
        using var sample = new Sample(_node, mib: 2);
        FailFrom(from);

        var result = await CheckpointAsync(sample, "op-1", leaveRunning: false);

        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.Single(result.Findings, static f => f.Code == "journal-not-written");
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        Assert.Empty(_bench.Entries);
        FailFrom("nothing");
        using var tree = new RestoredTree(await RestoreAsync("op-2", result.Snapshot), sample.Log);
        tree.AssertGoesOn();
    }

    [Theory]
    [InlineData("restore")]
    [InlineData("restore Awaited")]
    [InlineData("restore Awaited released")]
    public async Task A_restore_that_cannot_be_written_down_leaves_nothing(string from)
    {
        var (sample, snapshot) = await EndedAsync();
        using var ended = sample;
        FailFrom(from);

        var error = await Assert.ThrowsAsync<OperationFailedException>(() => RestoreAsync("op-2", snapshot));

        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.Equal((WorkloadState.Gone, true), (error.Workload, error.SnapshotDurable));
        Assert.Empty(_bench.Entries);
        Assert.Equal("0", _node.Control("used 0"));
        FailFrom("nothing");
        using var tree = new RestoredTree(await RestoreAsync("op-3", snapshot), sample.Log);
        tree.AssertGoesOn();
    }

    [Theory]
    [InlineData("restore Restoring released")]
    [InlineData("restore released")]
    public async Task A_tree_that_was_let_go_gets_its_gpus_although_that_cannot_be_written_down(string from)
    {
        var (sample, snapshot) = await EndedAsync();
        using var ended = sample;
        FailFrom(from);

        var result = await RestoreAsync("op-2", snapshot);

        using var tree = new RestoredTree(result, sample.Log);
        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.Single(result.Findings, static f => f.Code == "journal-not-written");
        tree.AssertGoesOn();
        Assert.Empty(_bench.Entries);
    }

    [Fact]
    public async Task A_start_that_cannot_write_gives_the_gpus_back_all_the_same()
    {
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 2);
        using (var journal = _bench.OpenJournal("op-1", first, second))
        {
            await using var suspension = _bench.Suspend(journal, first, second);
            await suspension.SuspendAsync(CancellationToken.None);
        }

        FailFrom("");
        var recovered = Assert.Single((await _bench.RecoverAsync()).Operations);

        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.True(recovered.Outcome == "rolled-back", recovered.Message);
        first.AssertGoesOn();
        second.AssertGoesOn();
        Assert.Empty(_bench.Entries);
    }

    [Fact]
    public async Task A_process_that_is_lost_is_named_although_that_cannot_be_written_down()
    {
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 2);
        using var journal = _bench.OpenJournal("op-1", first, second);
        await using var suspension = _bench.Suspend(journal, first, second);
        await suspension.SuspendAsync(CancellationToken.None);
        FailFrom("");
        _node.Control("fault unlock before error 999");

        var lost = await suspension.ResumeAsync();

        Assert.Contains($"CUDA process {first.Pid} ", lost, StringComparison.Ordinal);
        second.AssertGoesOn();

        // The older entry is what the next start has: it finds one running and the other locked, and does no more than that takes.
        FailFrom("nothing");
        journal.Dispose();
        Assert.Equal("rolled-back", Assert.Single((await _bench.RecoverAsync()).Operations).Outcome);
        first.AssertGoesOn();
        second.AssertGoesOn();
    }

    [Theory]
    [InlineData(true, "Locking")]
    [InlineData(true, "locked")]
    [InlineData(true, "Checkpointed")]
    [InlineData(false, "locked")]
    [InlineData(false, "Checkpointed")]
    public async Task A_disk_that_fills_up_in_the_middle_leaves_nobody_waiting(bool leaveRunning, string step)
    {
        Installation.RequireCriu();
        Directory.CreateDirectory(_bench.Options.StateDirectory);
        Mounts.MountTmpfs(_bench.Options.StateDirectory, 1 << 20, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await ReadyAsync();
        using var pair = new SampleTree(_node);
        _bench.Services.GpuStepReached = reached =>
        {
            if (_refused == 0 && reached.Split(' ')[0] == step)
            {
                _refused = Fill(Path.Combine(_bench.Options.StateDirectory, "ballast"));
            }
        };

        var error = await Assert.ThrowsAsync<OperationFailedException>(() => CheckpointAsync(pair.Root.Pid, "op-1", leaveRunning));

        Assert.InRange(_refused, 1, int.MaxValue);
        Assert.Contains("errno 28", error.Message, StringComparison.Ordinal);
        Assert.Equal((WorkloadState.Running, false), (error.Workload, error.SnapshotDurable));
        await MustRunAsync(pair);
        Assert.Empty(_bench.Entries);
    }

    /// <summary>Takes all room that is left; how much that was.</summary>
    private static int Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1024];
        var taken = 0;
        try
        {
            for (; ; taken += block.Length)
            {
                file.Write(block);
            }
        }
        catch (IOException)
        {
            return taken;
        }
    }

    private static string Label(JournalEntry entry) =>
        entry.Phase + (entry.Gpu is { } gpu ? " " + gpu.Step : "") + (entry.Criu is null ? "" : " criu") + (entry.Released ? " released" : "");

    private async Task ReadyAsync()
    {
        Installation.RequireCriu();
        await _bench.InitAsync();
    }

    /// <summary>From the first write with this label on none succeeds; the empty one is any.</summary>
    private void FailFrom(string label)
    {
        var failing = false;
        _bench.Services.Journal.Writing = entry =>
        {
            _writes.Add(Label(entry));
            failing = failing || label.Length == 0 || Label(entry) == label;
            if (failing)
            {
                _refused++;
                throw PlatformException.FromErrno("write", NoSpace);
            }
        };
    }

    private async Task<(Sample Sample, string Snapshot)> EndedAsync()
    {
        await ReadyAsync();
        var sample = new Sample(_node, mib: 2);
        var result = await CheckpointAsync(sample, "op-1", leaveRunning: false);
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        return (sample, result.Snapshot);
    }

    private Task<CheckpointResult> CheckpointAsync(Sample sample, string operation, bool leaveRunning) => CheckpointAsync(sample.Pid, operation, leaveRunning);

    private Task<CheckpointResult> CheckpointAsync(int pid, string operation, bool leaveRunning) =>
        new CheckpointOperation(_bench.Services, operation, _bench.Checkpoint(pid, leaveRunning), null).RunAsync(TestContext.Current.CancellationToken);

    private Task<RestoreResult> RestoreAsync(string operation, string snapshot) =>
        new RestoreOperation(_bench.Services, operation, _bench.Restore(snapshot), null).RunAsync(TestContext.Current.CancellationToken);

    private async Task MustRunAsync(SampleTree pair)
    {
        foreach (var sample in pair.Samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await _bench.StateAsync(sample));
        }
    }
}
