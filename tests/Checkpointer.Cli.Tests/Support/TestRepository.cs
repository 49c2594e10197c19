using System.Text.Json;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>A real repository in a temporary directory, with snapshots of made-up bytes.</summary>
internal sealed class TestRepository : IAsyncDisposable
{
    /// <summary>Bytes of each snapshot's page file: several chunks.</summary>
    public const int PageBytes = 1 << 20;

    private const long PoolBytes = 16L << 20;

    private readonly TempDirectory _directory = new();
    private CheckpointRepository _repository = null!;

    public string Path => _directory["repository"];

    public string KeyFile => _directory["key"];

    public static async Task<TestRepository> CreateAsync()
    {
        var made = new TestRepository();
        made._repository = await CheckpointRepository.InitAsync(
            RepositoryUrl.Open(made.Path), Checkpointer.Repository.KeyFile.LoadOrCreate(made.KeyFile), CancellationToken.None);
        return made;
    }

    /// <summary>Commits a snapshot of a new lineage, or the next one of a parent's.</summary>
    public async Task<SnapshotId> AddAsync(string? name, DateTimeOffset created, SnapshotId? parent = null, string intent = "final")
    {
        using var pool = new BlockPool(PoolBytes);
        var target = new SnapshotTarget(parent?.Lineage ?? LineageId.New(), (parent?.Generation ?? 0) + 1, parent);
        var writer = await _repository.BeginSnapshotAsync(target, new WriterOptions { Pool = pool, Workers = 1 }, CancellationToken.None);
        await using (writer.ConfigureAwait(false))
        {
            var pages = writer.OpenFile("pages-1.img", FileKind.Pages);
            var bytes = new byte[PageBytes];
            new Random(7).NextBytes(bytes);
            pages.Write(bytes);
            pages.Complete();
            var small = writer.OpenFile("inventory.img", FileKind.Bytes);
            small.Write([1, 2, 3]);
            small.Complete();
            var info = await writer.CommitAsync(
                new ManifestContent
                {
                    Name = name,
                    Created = created,
                    Node = "node-a",
                    Intent = intent,
                    Labels = new Dictionary<string, string> { ["team"] = "vision" },
                    Workload = JsonDocument.Parse("""{"requirement":{"architecture":"x64"}}""").RootElement,
                },
                CancellationToken.None);
            return info.Id;
        }
    }

    public Task MarkSupersededAsync(SnapshotId id) => _repository.MarkSupersededAsync(id, "test", CancellationToken.None);

    /// <summary>All object files below a folder of the repository.</summary>
    public IReadOnlyList<string> Files(string folder)
    {
        return [.. Directory.EnumerateFiles(System.IO.Path.Combine(Path, folder), "*", SearchOption.AllDirectories).Order()];
    }

    public async ValueTask DisposeAsync()
    {
        await _repository.DisposeAsync();
        _directory.Dispose();
    }
}
