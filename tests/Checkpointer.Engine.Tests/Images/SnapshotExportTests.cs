using Checkpointer.Engine.Images;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Images;

/// <summary>An export to a place that fails: an error of the place, and nothing is left in it.</summary>
public sealed class SnapshotExportTests : IDisposable
{
    private const int Files = 40;

    private readonly TemporaryDirectory _directory = new();
    private readonly string _place;
    private bool _mounted;

    public SnapshotExportTests()
    {
        _place = Directory.CreateDirectory(_directory.File("place")).FullName;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (_mounted)
        {
            Mounts.Unmount(_place, detach: true);
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task A_place_that_fills_up_on_the_way_is_told_and_left_empty()
    {
        // Each of the files of one byte takes a page: the look at the space before cannot know.
        Mount(16 << 10);
        var e = await Assert.ThrowsAsync<HostException>(ExportAsync);
        Assert.Equal(("export-no-space", ExitCode.Environment), (e.Code, e.ExitCode));
        Assert.Contains("nothing of them is left", e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Remedy);
        Assert.Empty(Directory.GetFileSystemEntries(_place));
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_told()
    {
        Mount(4 << 20);
        using (ChildProcess remount = new("/bin/mount", "-o", "remount,ro", _place))
        {
            await remount.Output.ReadToEndAsync(Token);
        }

        var e = await Assert.ThrowsAsync<HostException>(ExportAsync);
        Assert.Equal(("export-not-written", ExitCode.Environment), (e.Code, e.ExitCode));
        Assert.Contains(_place, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Remedy);
    }

    private void Mount(long bytes)
    {
        if (Host.EffectiveUid != 0)
        {
            Assert.Skip("needs root to mount a small file system");
        }

        Mounts.MountTmpfs(_place, bytes, (UnixFileMode)0x1c0);
        _mounted = true;
    }

    private async Task ExportAsync()
    {
        await using var repository = await CheckpointRepository.InitAsync(
            RepositoryUrl.Open(_directory.File("repository")), KeyFile.LoadOrCreate(_directory.File("key")), Token);
        using BlockPool pool = new(8L << 20);
        SnapshotInfo info;
        await using (var writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool }, Token))
        {
            for (var i = 0; i < Files; i++)
            {
                var file = writer.OpenFile($"file-{i}.img", FileKind.Bytes);
                file.Write([1]);
                file.Complete();
            }

            info = await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UnixEpoch, Node = "test", Intent = "final" }, Token);
        }

        await using var reader = await repository.OpenSnapshotAsync(info.Id, Token);
        await new SnapshotExport(reader, TimeProvider.System).RunAsync(Path.Combine(_place, "images"), null, Token);
    }
}
