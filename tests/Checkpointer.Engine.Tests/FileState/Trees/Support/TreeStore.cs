using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Checkpointer.Testing;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>A repository in memory that takes and gives trees.</summary>
internal sealed class TreeStore : IAsyncDisposable
{
    private readonly TemporaryDirectory _keys = new();
    private readonly BlockPool _pool = new(16L * ((1 << 20) + (128 << 10)));
    private readonly CheckpointRepository _repository;
    private readonly LineageId _lineage = LineageId.New();
    private long _generation;

    private TreeStore(CheckpointRepository repository, TemporaryDirectory keys)
    {
        _repository = repository;
        _keys = keys;
    }

    /// <summary>What the last capture noted.</summary>
    public IReadOnlyList<Finding> Notes { get; private set; } = [];

    public SnapshotInfo? Last { get; private set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<TreeStore> NewAsync(IBackend? backend = null)
    {
        TemporaryDirectory keys = new();
        var key = KeyFile.LoadOrCreate(keys.File("key"));
        return new TreeStore(await CheckpointRepository.InitAsync(backend ?? new MemoryBackend(), key, Token), keys);
    }

    /// <summary>Captures a tree into a snapshot of its own, the next of the lineage.</summary>
    public async Task<FileTreeRecord> CaptureAsync(string path, FileTreeKind kind, params string[] excludes)
    {
        FileTreeRecord? record = null;
        await WriteAsync((writer, pool) =>
        {
            FileTreeCapture capture = new(writer, pool);
            using var root = RootedOpen.OpenRoot(path);
            record = capture.Capture(new FileTreeSource(root, "/mnt", kind, 1, excludes), Token);
            Notes = capture.Notes;
            Assert.Equal(record.Bytes, capture.Bytes);
        });
        return record!;
    }

    /// <summary>As the other, after the tree was stored early and then changed.</summary>
    /// <returns>The record, and the bytes that were stored early.</returns>
    public async Task<(FileTreeRecord Record, long Early)> CaptureAsync(string path, FileTreeKind kind, Action change)
    {
        (FileTreeRecord?, long) result = default;
        await WriteAsync(
            (writer, pool) =>
            {
                FileTreeCapture capture = new(writer, pool);
                using var root = RootedOpen.OpenRoot(path);
                FileTreeSource source = new(root, "/mnt", kind, 1, []);
                capture.ReadEarly(source, Token);
                writer.EndEarlyAsync(Token).GetAwaiter().GetResult();
                var early = writer.Progress.BytesStored;
                change();
                result = (capture.Capture(source, Token), early);
            },
            earlyMemory: 1 << 20);
        return (result.Item1!, result.Item2);
    }

    /// <summary>A snapshot of any files.</summary>
    public async Task WriteAsync(Action<SnapshotWriter, BlockPool> write, bool commit = true, long earlyMemory = 0)
    {
        SnapshotTarget target = new(_lineage, _generation + 1, Last?.Id);
        await using var writer = await _repository.BeginSnapshotAsync(target, new WriterOptions { Pool = _pool, EarlyMemory = earlyMemory }, Token);
        write(writer, _pool);
        if (!commit)
        {
            return;
        }

        _generation++;
        Last = await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UtcNow, Node = "test", Intent = "final" }, Token);
        Assert.Equal(0, _pool.Outstanding);
    }

    public async Task ApplyAsync(FileTreeRecord record, string path, bool checkBytes = true, bool merge = false)
    {
        await using var reader = await _repository.OpenSnapshotAsync(Last!.Id, Token);
        FileTreeApply apply = new(reader);
        using var target = RootedOpen.OpenRoot(path);
        await apply.ApplyAsync(record, target, merge, Token);
        Assert.True(!checkBytes || record.Bytes == apply.BytesWritten, $"{apply.BytesWritten} bytes were written for {record}");
    }

    public async Task<byte[]> ReadAsync(string name)
    {
        await using var reader = await _repository.OpenSnapshotAsync(Last!.Id, Token);
        return await reader.ReadSmallFileAsync(name, 64 << 20, Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _repository.DisposeAsync();
        _pool.Dispose();
        _keys.Dispose();
    }
}
