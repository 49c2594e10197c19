using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Engine.Images;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Images;

/// <summary>What was exported is imported again with all that a restore needs, or is refused.</summary>
public sealed class ImageImportTests : IDisposable
{
    private static readonly string[] ContainerFiles = ["inventory.img", "pages-1.img", "pstree.img", "tree-1", "tree-1-data"];

    private static readonly string[] PodFiles =
        ["c1-inventory.img", "c1-pages-1.img", "c1-pstree.img", "c2-inventory.img", "c2-pages-1.img", "c2-pstree.img", "tree-1", "tree-1-data"];

    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Images => _directory.File("images");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task An_exported_container_comes_back_with_its_directories()
    {
        await using var source = await RepositoryAsync("a");
        var exported = await ExportAsync(source, Container("web"), ContainerFiles);
        await using var target = await RepositoryAsync("b");
        await SameFilesAsync(exported, target, await ImportAsync(target, null));
    }

    [Fact]
    public async Task An_exported_pod_comes_back_with_all_its_containers()
    {
        await using var source = await RepositoryAsync("a");
        var exported = await ExportAsync(source, Pod(), PodFiles);
        await using var target = await RepositoryAsync("b");
        var result = await ImportAsync(target, null);
        await SameFilesAsync(exported, target, result);
        Assert.Equal(["web", "log"], WorkloadRecord.Read(result.Snapshot.Content.Workload, "x").Pod!.Members.Select(static m => m.Name));
    }

    [Theory]
    [InlineData("tree-1")]
    [InlineData("tree-1-data")]
    [InlineData("c2-inventory.img")]
    [InlineData("c2-pstree.img")]
    public async Task A_directory_that_lacks_what_its_record_names_is_refused_before_anything_is_written(string lacking)
    {
        await using var source = await RepositoryAsync("a");
        await ExportAsync(source, Pod(), PodFiles);
        File.Delete(Path.Combine(Images, lacking));
        await using var target = await RepositoryAsync("b");
        var before = Entries("b");
        var e = await Assert.ThrowsAsync<UsageException>(() => ImportAsync(target, "given"));
        Assert.Equal("images-incomplete", e.Code);
        Assert.Contains(lacking, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Remedy);
        Assert.Equal(before, Entries("b"));
    }

    [Fact]
    public async Task A_name_that_another_workload_bears_is_not_taken_over_unasked()
    {
        await using var repository = await RepositoryAsync("a");
        await ExportAsync(repository, Container("web"), ContainerFiles);
        var before = Entries("a");
        var e = await Assert.ThrowsAsync<UsageException>(() => ImportAsync(repository, null));
        Assert.Equal("import-name-taken", e.Code);
        Assert.Contains("--name", e.Remedy, StringComparison.Ordinal);
        Assert.Equal(before, Entries("a"));
        Assert.NotNull(await repository.FindNewestAsync("training", Token));

        Assert.Equal("other", (await ImportAsync(repository, "other")).Snapshot.Content.Name);
        Assert.Equal("training", (await ImportAsync(repository, "training")).Snapshot.Content.Name);
    }

    private static async Task SameFilesAsync(IReadOnlyList<SnapshotFile> exported, CheckpointRepository target, ImportResult result)
    {
        Assert.True(result.Described);
        Assert.Empty(result.Skipped);
        Assert.Equal("training", result.Snapshot.Content.Name);
        await using var reader = await target.OpenSnapshotAsync(result.Snapshot.Id, Token);
        Assert.Equal(
            exported.Select(static f => (f.Name, f.Kind, f.Length)).OrderBy(static f => f.Name, StringComparer.Ordinal),
            reader.Files.Select(static f => (f.Name, f.Kind, f.Length)).OrderBy(static f => f.Name, StringComparer.Ordinal));
        Assert.Equal("tree-1-data"u8.ToArray(), await reader.ReadSmallFileAsync("tree-1-data", 100, Token));
    }

    private async Task<IReadOnlyList<SnapshotFile>> ExportAsync(CheckpointRepository repository, WorkloadRecord record, string[] files)
    {
        using BlockPool pool = new(8L << 20);
        SnapshotInfo info;
        await using (var writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool }, Token))
        {
            foreach (var name in files)
            {
                var file = writer.OpenFile(name, name.Contains("pages-", StringComparison.Ordinal) || name.EndsWith("-data", StringComparison.Ordinal) ? FileKind.Pages : FileKind.Bytes);
                file.Write(Content(name));
                file.Complete();
            }

            info = await writer.CommitAsync(
                new ManifestContent { Name = "training", Created = DateTimeOffset.UnixEpoch, Node = "test", Intent = "final", Workload = record.ToJson() }, Token);
        }

        await using var reader = await repository.OpenSnapshotAsync(info.Id, Token);
        await new SnapshotExport(reader, TimeProvider.System).RunAsync(Images, null, Token);
        return reader.Files;
    }

    private static byte[] Content(string name) => name switch
    {
        _ when name.EndsWith("inventory.img", StringComparison.Ordinal) => ImageDescriptionTests.Image(CriuImage.InventoryMagic, [0x08, 2]),
        _ when name.EndsWith("pstree.img", StringComparison.Ordinal) => ImageDescriptionTests.Image(CriuImage.ProcessTreeMagic, [0x08, 7, 0x20, 7, 0x28, 7]),
        _ => System.Text.Encoding.ASCII.GetBytes(name),
    };

    private Task<ImportResult> ImportAsync(CheckpointRepository repository, string? name) =>
        new ImageImport(repository, TimeProvider.System).RunAsync(Images, name, new Dictionary<string, string>(), null, Token);

    private Task<CheckpointRepository> RepositoryAsync(string name) => CheckpointRepository.InitAsync(
        RepositoryUrl.Open(_directory.File(name)), KeyFile.LoadOrCreate(_directory.File("key")), Token);

    private string[] Entries(string name) =>
        [.. Directory.EnumerateFileSystemEntries(_directory.File(name), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static WorkloadRecord Pod() => Record("pod", WorkloadRecord.CurrentVersion) with
    {
        Pod = new PodPart
        {
            Name = "box",
            Members =
            [
                new PodMember { Prefix = "c1-", Workload = Container("web") },
                new PodMember { Prefix = "c2-", Workload = Container("log") with { Container = Container("log").Container! with { FileTrees = [] } } },
            ],
        },
    };

    private static WorkloadRecord Container(string name) => Record("container", WorkloadRecord.ContainerVersion) with
    {
        Container = new ContainerPart
        {
            Record = new ContainerRecord { Id = name, Name = name, Pid = 0, Image = "i", Runtime = "containerd" },
            Mounts = [],
            FileTrees = [new FileTreeRecord { MountPoint = "/", Kind = FileTreeKind.OverlayUpper, Index = "tree-1", Content = "tree-1-data", Entries = 1, Bytes = 1 }],
        },
    };

    private static WorkloadRecord Record(string kind, int version) => new()
    {
        Version = version,
        Kind = kind,
        RootPid = 1,
        Command = "w",
        Processes = 1,
        Requirement = new Requirement
        {
            Architecture = "x86_64",
            CpuFlags = [],
            CpuModel = "m",
            KernelRelease = "6.1.0",
            MemoryBytes = 1,
            ThreadIds = [1],
            CgroupMode = "v2",
        },
        Options = new TreeOptions(),
        StateFiles = [],
    };
}
