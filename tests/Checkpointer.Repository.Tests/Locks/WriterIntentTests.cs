using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>A writer's word to prune: when it is put, what it says, when it goes.</summary>
public sealed class WriterIntentTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task It_is_put_before_the_parent_is_trusted_and_before_the_first_pack_and_goes_with_the_writer()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo parent = await test.SnapshotAsync(1, null, ("f", TestRepository.Random(100_000, 1)));
        HookBackend hooks = new(test.Memory);
        List<string> steps = [];
        hooks.Before = (kind, name) =>
        {
            lock (steps)
            {
                steps.Add($"{kind} {name.Split('/')[0]}");
            }
        };
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(hooks, test.Key, None);
        steps.Clear();
        await using (SnapshotWriter writer = await repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, 2, parent.Id), new WriterOptions { Pool = test.Pool, Workers = 1 }, None))
        {
            Assert.True(steps.IndexOf("put locks") < steps.LastIndexOf("read snapshots"));
            test.AppendAll(writer.OpenFile("f", FileKind.Pages), TestRepository.Random(100_000, 2));
            await writer.CommitAsync(TestRepository.Content(), None);
            Assert.Single(Intents(test.Memory));
        }

        Assert.True(steps.IndexOf("put locks") < steps.IndexOf("put packs"));
        Assert.True(steps.IndexOf("put snapshots") < steps.IndexOf("delete locks"));
        Assert.Empty(Intents(test.Memory));
    }

    [Fact]
    public async Task An_aborted_writer_takes_it_away()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using (test.Begin())
        {
            Assert.Single(Intents(test.Memory));
        }

        Assert.Empty(Intents(test.Memory));
    }

    [Fact]
    public async Task It_stays_where_the_fate_of_the_manifest_is_unknown()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        test.Faults.Applies = name => name.StartsWith(ObjectNames.SnapshotsPrefix, StringComparison.Ordinal);
        test.Faults.FailCommits = true;
        await using (SnapshotWriter writer = test.Begin())
        {
            await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
        }

        Assert.Equal(1, test.Faults.Fired);
        Assert.Single(Intents(test.Memory));
    }

    [Fact]
    public async Task A_generation_that_was_taken_is_no_unknown_fate()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using (SnapshotWriter writer = test.Begin())
        {
            await test.SnapshotAsync(1, null);
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
            Assert.Equal(RepositoryCodes.GenerationTaken, e.Code);
        }

        Assert.Empty(Intents(test.Memory));
    }

    [Fact]
    public async Task A_writer_whose_intent_was_removed_does_not_commit()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin();
        test.Memory.Remove(Assert.Single(Intents(test.Memory)));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
        Assert.Equal(RepositoryCodes.IntentLost, e.Code);
        Assert.NotNull(e.Remedy);
        Assert.Empty(await test.Repository.ListAsync(None));
    }

    [Theory]
    [InlineData(19, false)]
    [InlineData(21, true)]
    public async Task A_writer_that_prune_may_soon_take_for_dead_does_not_commit(int hours, bool refused)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        test.Memory.Time = clock;
        await using SnapshotWriter writer = test.Begin();
        clock.Advance(TimeSpan.FromHours(hours));
        if (refused)
        {
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => writer.CommitAsync(TestRepository.Content(), None));
            Assert.Equal(RepositoryCodes.WriterTooOld, e.Code);
            Assert.Empty(await test.Repository.ListAsync(None));
        }
        else
        {
            await writer.CommitAsync(TestRepository.Content(), None);
        }
    }

    [Fact]
    public async Task A_removal_that_fails_fails_nothing()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        HookBackend hooks = new(test.Memory)
        {
            Before = (kind, name) =>
            {
                if (kind == "delete" && name.StartsWith(ObjectNames.LocksPrefix, StringComparison.Ordinal))
                {
                    throw new RepositoryException(RepositoryCodes.StoreFailed, "injected");
                }
            },
        };
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(hooks, test.Key, None);
        await using (SnapshotWriter writer = await repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, 1, null), new WriterOptions { Pool = test.Pool, Workers = 1 }, None))
        {
            await writer.CommitAsync(TestRepository.Content(), None);
        }

        Assert.Single(Intents(test.Memory));
        Assert.Single(await test.Repository.ListAsync(None));
    }

    [Fact]
    public async Task A_parent_that_is_gone_or_damaged_is_no_parent_to_reuse_from()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo parent = await test.SnapshotAsync(1, null, ("f", [1, 2, 3]));
        await using (SnapshotWriter sound = test.Begin(2, parent.Id))
        {
            Assert.Equal(parent.Digest, sound.Parent.Digest);
            Assert.Equal(parent.Id, sound.ParentUse.Parent);
        }

        test.Memory[ObjectNames.Manifest(parent.Id)][60] ^= 1;
        await using (SnapshotWriter damaged = test.Begin(2, parent.Id))
        {
            Assert.NotNull(damaged.Parent.Digest);
            Assert.Null(damaged.ParentUse.Parent);
        }

        test.Memory.Remove(ObjectNames.Manifest(parent.Id));
        await using (SnapshotWriter gone = test.Begin(2, parent.Id))
        {
            Assert.Null(gone.Parent.Digest);
            Assert.Null(gone.ParentUse.Parent);
        }
    }

    private static IEnumerable<string> Intents(MemoryBackend memory) =>
        memory.Names.Where(n => n.StartsWith(ObjectNames.IntentsPrefix, StringComparison.Ordinal));
}
