using Checkpointer.Platform;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>What happens to a writer when the store or a worker fails. Each test proves that its fault fired.</summary>
public sealed class FaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken None => CancellationToken.None;

    [Theory]
    [InlineData(false, RepositoryCodes.StoreFailed)]
    [InlineData(true, RepositoryCodes.StoreFull)]
    public async Task A_store_that_fails_in_the_middle_kills_the_writer_and_nothing_is_visible(bool full, string code)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.FailAfterBytes = test.Faults.Written + (5 << 20);
        test.Faults.Full = full;
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => Task.Run(() =>
        {
            while (true)
            {
                // The pool always comes back: a dead writer gives every block away at once.
                TestRepository.Append(test.Pool, file, TestRepository.Random(BlockPool.BlockSize, 1));
            }
        }).WaitAsync(Patience));
        Assert.Equal(code, e.Code);
        Assert.True(test.Faults.Fired > 0);
        await AssertDeadAsync(test, writer, file, code);
    }

    [Fact]
    public async Task A_failing_commit_of_a_pack_is_a_failed_drain()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.FailCommits = true;
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        TestRepository.Append(test.Pool, file, TestRepository.Random(3 << 20, 1));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.DrainAsync(None).WaitAsync(Patience));
        Assert.Equal(RepositoryCodes.StoreFailed, e.Code);
        Assert.True(test.Faults.Fired > 0);
        await AssertDeadAsync(test, writer, file, RepositoryCodes.StoreFailed);
    }

    [Theory]
    [InlineData(ObjectNames.MapsPrefix)]
    [InlineData(ObjectNames.SnapshotsPrefix)]
    public async Task A_failing_map_or_manifest_fails_the_commit(string prefix)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.Applies = name => name.StartsWith(prefix, StringComparison.Ordinal);
        test.Faults.FailCommits = true;
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        test.AppendAll(file, TestRepository.Random(1 << 20, 1));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
        Assert.Equal(RepositoryCodes.StoreFailed, e.Code);
        Assert.Equal(1, test.Faults.Fired);
        await AssertDeadAsync(test, writer, file, RepositoryCodes.StoreFailed);
    }

    [Fact]
    public async Task A_manifest_that_became_visible_although_its_commit_failed_is_withdrawn()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        LateFailure late = new(test.Memory);
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(late, test.Key, None);
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(test.Lineage, 1, null), new WriterOptions { Pool = test.Pool, Workers = 1 }, CancellationToken.None);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
        Assert.Equal(RepositoryCodes.StoreFailed, e.Code);
        Assert.True(late.Fired);
        Assert.Empty(await test.Repository.ListAsync(None));
    }

    [Fact]
    public async Task A_stalled_store_holds_no_block_after_the_abort()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.Stall();
        SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        TestRepository.Append(test.Pool, file, TestRepository.Random(4 << 20, 1));
        Assert.True(SpinWait.SpinUntil(() => test.Faults.Fired > 0, Patience));
        long advance = writer.Progress.LastAdvance;
        await Task.Delay(50);
        Assert.Equal(advance, writer.Progress.LastAdvance);
        await writer.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(test.Pool.Count, test.Pool.Free);
        Assert.False(writer.Failure.IsCompleted);
        Assert.Throws<ObjectDisposedException>(() => writer.OpenFile("g", FileKind.Bytes));
    }

    [Fact]
    public async Task A_store_that_cannot_be_cancelled_is_left_behind_after_the_deadline()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        using DeafBackend deaf = new(test.Memory);
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(deaf, test.Key, None);
        SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(test.Lineage, 1, null), new WriterOptions { Pool = test.Pool, Workers = 1 }, CancellationToken.None);
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        TestRepository.Append(test.Pool, file, TestRepository.Random(2 << 20, 1));
        Assert.True(deaf.Entered.Wait(Patience));
        await writer.DisposeAsync().AsTask().WaitAsync(SnapshotWriter.StopDeadline * 3);
        Assert.True(test.Pool.Free < test.Pool.Count);
        deaf.Release.Set();

        // The thread ends with its call, and the last block comes back (checked at the end of every test).
        Assert.True(SpinWait.SpinUntil(() => test.Pool.Free == test.Pool.Count, Patience));
    }

    [Fact]
    public async Task A_bug_in_a_worker_faults_the_writer_with_its_cause()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.Applies = name => !name.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal) ? false : throw new InvalidCastException("boom");
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        TestRepository.Append(test.Pool, file, TestRepository.Random(1 << 20, 1));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.DrainAsync(None).WaitAsync(Patience));
        Assert.Equal(RepositoryCodes.WriterFailed, e.Code);
        Assert.IsType<InvalidCastException>(e.InnerException);
        Assert.Contains("boom", e.Message, StringComparison.Ordinal);
        test.Faults.Applies = _ => true;
        await AssertDeadAsync(test, writer, file, RepositoryCodes.WriterFailed);
    }

    [Fact]
    public async Task A_cancelled_commit_leaves_nothing_visible()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.Stall();
        await using SnapshotWriter writer = test.Begin();
        test.AppendAll(writer.OpenFile("f", FileKind.Pages), TestRepository.Random(1 << 20, 1));
        using CancellationTokenSource cancel = new();
        Task<SnapshotInfo> commit = writer.CommitAsync(TestRepository.Content(), cancel.Token);
        Assert.True(SpinWait.SpinUntil(() => test.Faults.Fired > 0, Patience));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => commit.WaitAsync(Patience));
        test.Faults.Resume();
        Assert.Empty(await test.Repository.ListAsync(None));
    }

    [Fact]
    public async Task Small_writers_that_wait_hear_of_the_failure()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.Stall();
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Bytes);
        Task<RepositoryException> waiting = Assert.ThrowsAsync<RepositoryException>(() => Task.Run(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                file.Write(TestRepository.Random(64 << 10, i));
            }
        }));
        Assert.True(SpinWait.SpinUntil(() => test.Faults.Fired > 0, Patience));
        test.Faults.FailAfterBytes = 0;
        test.Faults.Resume();
        Assert.Equal(RepositoryCodes.StoreFailed, (await waiting.WaitAsync(Patience)).Code);
    }

    private static async Task AssertDeadAsync(TestRepository test, SnapshotWriter writer, FileWriter file, string code)
    {
        RepositoryException failure = await Assert.ThrowsAsync<RepositoryException>(() => writer.Failure.WaitAsync(Patience));
        Assert.Equal(code, failure.Code);
        Block block = test.Pool.Rent(None);
        block.Length = 1;
        Assert.Same(failure, Assert.Throws<RepositoryException>(() => file.Append(block)));
        Assert.Same(failure, Assert.Throws<RepositoryException>(() => file.Write([1])));
        Assert.Same(failure, Assert.Throws<RepositoryException>(() => writer.OpenFile("other", FileKind.Bytes)));
        Assert.Same(failure, await Assert.ThrowsAsync<RepositoryException>(() => writer.DrainAsync(None)));
        Assert.Same(failure, await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None)));
        test.Faults.FailAfterBytes = null;
        test.Faults.FailCommits = false;
        Assert.Empty(await test.Repository.ListAsync(None));
        Assert.DoesNotContain(test.Memory.Names, n => n.StartsWith(ObjectNames.SnapshotsPrefix, StringComparison.Ordinal));

        // The repository goes on: another writer takes the same generation.
        SnapshotInfo next = await test.SnapshotAsync(1, null, ("f", TestRepository.Random(100_000, 1)));
        Assert.Equal(1, next.Id.Generation);
    }

    /// <summary>Makes a manifest visible and then says that it failed, as a directory flush can.</summary>
    private sealed class LateFailure(IBackend inner) : Forwarding(inner)
    {
        public bool Fired { get; private set; }

        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
            name.StartsWith(ObjectNames.SnapshotsPrefix, StringComparison.Ordinal)
                ? new Upload(this, base.BeginPut(name, cancellationToken))
                : base.BeginPut(name, cancellationToken);

        private sealed class Upload(LateFailure owner, IObjectUpload upload) : IObjectUpload
        {
            public void Append(ReadOnlySpan<byte> data) => upload.Append(data);

            public bool Commit()
            {
                Assert.True(upload.Commit());
                owner.Fired = true;
                throw new RepositoryException(RepositoryCodes.StoreFailed, "the directory could not be flushed");
            }

            public void Dispose() => upload.Dispose();
        }
    }

    /// <summary>A store whose writes hang and cannot be cancelled, as on a dead network share.</summary>
    private sealed class DeafBackend(IBackend inner) : Forwarding(inner), IDisposable
    {
        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken)
        {
            if (!name.StartsWith(ObjectNames.LocksPrefix, StringComparison.Ordinal))
            {
                Entered.Set();
                Release.Wait(None);
            }

            return base.BeginPut(name, cancellationToken);
        }

        public void Dispose()
        {
            Release.Set();
        }
    }
}
