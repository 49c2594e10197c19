using Checkpointer.Engine.Images;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>Images as files: what stock CRIU wrote is imported, what we captured is restored by stock CRIU from a directory.</summary>
public sealed partial class RealCriuTests
{
    [Fact]
    public async Task An_exported_snapshot_is_restored_by_stock_CRIU_from_the_directory()
    {
        string criu = RequireCriu();
        using RealCriu.Workload workload = await RealCriu.StartAsync(Dir, mib: 24, children: 2, extents: 1000, Token);
        await using CheckpointRepository repository = await NewRepositoryAsync();
        SnapshotInfo info = await DumpAsync(criu, repository, workload.Root);
        string images = Path.Combine(Dir, "images");
        await using (SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, Token))
        {
            ExportResult result = await new SnapshotExport(reader, TimeProvider.System).RunAsync(images, null, Token);
            Assert.Equal(info.BytesCaptured, result.Bytes);
            Assert.True(result.BytesWritten < result.Bytes, "zero runs are holes");
        }

        await WhenPidsAreFreeAsync(() => RealCriu.RunAsync(criu, null, images, "restore", ["--restore-detached"], Token));
        Assert.All(await workload.VerifyAsync(Token), r => Assert.Equal("same", r));
    }

    [Fact]
    public async Task What_stock_CRIU_dumped_is_imported_and_restored_from_the_repository()
    {
        string criu = RequireCriu();
        using RealCriu.Workload workload = await RealCriu.StartAsync(Dir, mib: 24, children: 2, extents: 1000, Token);
        string images = Directory.CreateDirectory(Path.Combine(Dir, "images")).FullName;
        await RealCriu.RunAsync(criu, null, images, "dump", ["--tree", $"{workload.Root}"], Token);
        await using CheckpointRepository repository = await NewRepositoryAsync();
        ImportResult result = await new ImageImport(repository, TimeProvider.System).RunAsync(images, "stock", new Dictionary<string, string> { ["k"] = "v" }, null, Token);
        Assert.Contains("dump.log", result.Skipped);
        Assert.Equal("requirement-partial", Assert.Single(result.Findings).Code);
        WorkloadRecord record = WorkloadRecord.Read(result.Snapshot.Content.Workload, "x");
        Assert.Equal((workload.Root, 3, "python3", true), (record.RootPid, record.Processes, record.Command[..7], record.Imported));
        Assert.True(record.Requirement.ThreadIds.Count >= 3);
        Assert.True(record.Requirement.MemoryBytes > 48 << 20);

        await RestoreWhenPidsAreFreeAsync(criu, repository, result.Snapshot);
        Assert.All(await workload.VerifyAsync(Token), r => Assert.Equal("same", r));
    }

    [Fact]
    public async Task An_export_that_is_imported_again_is_the_same_files()
    {
        await using CheckpointRepository repository = await NewRepositoryAsync();
        BlockPool pool = Pool(8);
        SnapshotId id;
        byte[] pages = [.. RandomBytes(3 << 20), .. new byte[5 << 20], .. RandomBytes(12345)];
        await using (SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool }, Token))
        {
            Put(writer, "inventory.img", Images.ImageDescriptionTests.Image(CriuImage.InventoryMagic, [0x08, 2]));
            Put(writer, "pstree.img", Images.ImageDescriptionTests.Image(CriuImage.ProcessTreeMagic, [0x08, 7, 0x20, 7, 0x28, 7]));
            Put(writer, "pages-1.img", pages);
            Put(writer, "state-1", "captured"u8);
            ManifestContent content = new()
            {
                Name = "n",
                Created = DateTimeOffset.UnixEpoch,
                Node = "node-a",
                Intent = "running",
                Labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" },
            };
            id = (await writer.CommitAsync(content, Token)).Id;
        }

        string images = Path.Combine(Dir, "images");
        await using SnapshotReader exported = await repository.OpenSnapshotAsync(id, Token);
        await new SnapshotExport(exported, TimeProvider.System).RunAsync(images, null, Token);
        Assert.Equal(pages, await File.ReadAllBytesAsync(Path.Combine(images, "pages-1.img"), Token));
        File.CreateSymbolicLink(Path.Combine(images, "link.img"), "/etc/passwd");
        ImportResult result = await new ImageImport(repository, TimeProvider.System).RunAsync(images, "n", new Dictionary<string, string> { ["b"] = "3" }, null, Token);
        Assert.Equal(["link.img"], result.Skipped);
        ManifestContent again = result.Snapshot.Content;
        Assert.Equal(("n", DateTimeOffset.UnixEpoch, "node-a", "running", "1", "3"), (again.Name, again.Created, again.Node, again.Intent, again.Labels["a"], again.Labels["b"]));
        await using SnapshotReader imported = await repository.OpenSnapshotAsync(result.Snapshot.Id, Token);
        Assert.Equal(exported.Files.Select(f => (f.Name, f.Length)), imported.Files.Select(f => (f.Name, f.Length)));
        Assert.Equal(pages, await imported.ReadSmallFileAsync("pages-1.img", 16 << 20, Token));
    }

    [Theory]
    [InlineData("../out.img")]
    [InlineData("/tmp/out.img")]
    [InlineData("a/b.img")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("-rf")]
    [InlineData("ünï.img")]
    [InlineData("checkpointer.json")]
    public async Task A_name_that_leads_elsewhere_ends_the_export_before_anything_is_written(string name)
    {
        await using CheckpointRepository repository = await NewRepositoryAsync();
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = Pool(8) }, Token);
        Put(writer, "a-good.img", "x"u8);
        Put(writer, name, "x"u8);
        SnapshotInfo info = await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UtcNow, Node = "test", Intent = "final" }, Token);
        await using SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, Token);
        string place = Directory.CreateDirectory(Path.Combine(Dir, "place")).FullName;
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(
            () => new SnapshotExport(reader, TimeProvider.System).RunAsync(Path.Combine(place, "images"), null, Token));
        Assert.Equal("export-name", e.Code);
        Assert.Empty(Directory.GetFileSystemEntries(place));
    }

    [Fact]
    public async Task A_damaged_snapshot_leaves_no_directory()
    {
        await using CheckpointRepository repository = await NewRepositoryAsync();
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = Pool(8) }, Token);
        Put(writer, "pages-1.img", RandomBytes(3 << 20));
        SnapshotInfo info = await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UtcNow, Node = "test", Intent = "final" }, Token);
        string pack = Directory.GetFiles(Path.Combine(Dir, "repository", "packs"), "*", SearchOption.AllDirectories)[0];
        byte[] bytes = await File.ReadAllBytesAsync(pack, Token);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(pack, bytes, Token);
        await using SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, Token);
        string place = Directory.CreateDirectory(Path.Combine(Dir, "place")).FullName;
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(
            () => new SnapshotExport(reader, TimeProvider.System).RunAsync(Path.Combine(place, "images"), null, Token));
        Assert.Equal("repository-damaged", e.Code);
        Assert.Empty(Directory.GetFileSystemEntries(place));
    }

    private static void Put(SnapshotWriter writer, string name, ReadOnlySpan<byte> data)
    {
        FileWriter file = writer.OpenFile(name, FileKind.Bytes);
        file.Write(data);
        file.Complete();
    }

    private Task<CheckpointRepository> NewRepositoryAsync() => CheckpointRepository.InitAsync(
        RepositoryUrl.Open(Path.Combine(Dir, "repository")), KeyFile.LoadOrCreate(Path.Combine(Dir, "key")), Token);
}
