using Checkpointer.Repository.Tests.Incremental;
using Checkpointer.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Repository.Tests.Maintenance;

/// <summary>A repository in memory whose store has a clock that only the test moves.</summary>
internal sealed class MaintenanceLab : IAsyncDisposable
{
    public const int Page = FormatConstants.PageSize;

    private const long ParentMemory = 8 << 20;

    private MaintenanceLab(TestRepository test)
    {
        Test = test;
        Memory.Time = Clock;
    }

    public TestRepository Test { get; }

    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UtcNow);

    public MemoryBackend Memory => Test.Memory;

    public CheckpointRepository Repository => Test.Repository;

    public static async Task<MaintenanceLab> NewAsync() => new(await TestRepository.NewAsync());

    /// <summary>Same data from the same seed: what a child finds in its parent.</summary>
    public static byte[] Data(int pages, int seed) => TestRepository.Random(pages * Page, seed);

    public PruneOptions Options(bool repack = false) => new() { Grace = TimeSpan.Zero, Time = Clock, Repack = repack, Patience = TimeSpan.Zero };

    /// <summary>Everything that is there gets older than any resolution.</summary>
    public void Pass(TimeSpan? time = null) => Clock.Advance(time ?? TimeSpan.FromSeconds(10));

    public async Task<SnapshotInfo> SnapshotAsync(long generation, params (string Name, byte[] Data)[] files) =>
        (await Test.SnapshotAsync(generation, ParentMemory, files)).Info;

    public Task<SnapshotWriter> BeginAsync(CheckpointRepository repository, long generation, SnapshotId? parent) =>
        repository.BeginSnapshotAsync(
            new SnapshotTarget(Test.Lineage, generation, parent),
            new WriterOptions { Pool = Test.Pool, Workers = 1, ParentMemory = ParentMemory },
            CancellationToken.None);

    public async Task<PruneReport> PruneAsync(bool repack = false, PruneOptions? options = null)
    {
        Pass();
        return await Repository.PruneAsync(options ?? Options(repack), null, null, CancellationToken.None);
    }

    /// <summary>Nothing is damaged, and nothing is left that nobody needs.</summary>
    public async Task MustBeCleanAsync()
    {
        CheckReport report = await Repository.CheckAsync(data: true, null, CancellationToken.None);
        Assert.Empty(report.Findings);
        Assert.DoesNotContain(Memory.Names, n => n.StartsWith(ObjectNames.LocksPrefix, StringComparison.Ordinal));
    }

    public string[] Names(string prefix) => [.. Memory.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal))];

    public ValueTask DisposeAsync() => Test.DisposeAsync();
}
