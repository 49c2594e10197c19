using Checkpointer.Platform;

namespace Checkpointer.Repository.Tests;

public sealed class DirectoryBackendTests : BackendConformance
{
    private readonly TemporaryDirectory _directory = new();
    private readonly DirectoryBackend _backend;

    public DirectoryBackendTests() => _backend = new DirectoryBackend(Path.Combine(_directory.Path, "deep", "repository"));

    protected override IBackend Backend => _backend;

    private string Root => Path.Combine(_directory.Path, "deep", "repository");

    [Fact]
    public async Task Looking_makes_no_directory()
    {
        Assert.Null(await _backend.StatAsync("repository.json", CancellationToken.None));
        Assert.False(Directory.Exists(Root));
    }

    [Fact]
    public void What_a_killed_upload_left_behind_is_invisible_and_private()
    {
        IObjectUpload upload = _backend.BeginPut("maps/1", CancellationToken.None);
        upload.Append([1]);
        string left = Assert.Single(Directory.GetFiles(Path.Combine(Root, "maps")));
        Assert.StartsWith(".", Path.GetFileName(left), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(left));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Root, "maps")));
        upload.Dispose();
        Assert.Empty(Directory.GetFiles(Path.Combine(Root, "maps")));
    }

    [Fact]
    public void A_file_where_the_directory_should_be_is_a_failing_store()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Root)!);
        File.WriteAllText(Root, "x");
        RepositoryException e = Assert.Throws<RepositoryException>(() => _backend.Put("maps/1", [1], CancellationToken.None));
        Assert.Equal(RepositoryCodes.StoreFailed, e.Code);
        Assert.Contains(Root, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_file_system_is_told_as_such_and_leaves_nothing()
    {
        Directory.CreateDirectory(Root);
        const int Small = 1 << 20;
        try
        {
            Mounts.MountTmpfs(Root, Small, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (PlatformException e)
        {
            Assert.Skip($"no file system can be mounted here: {e.Message}");
        }

        try
        {
            RepositoryException e = Assert.Throws<RepositoryException>(() => _backend.Put("packs/aa/1", new byte[2 * Small], CancellationToken.None));
            Assert.Equal(RepositoryCodes.StoreFull, e.Code);
            Assert.Equal("packs/aa/1", e.ObjectName);
            Assert.Contains("no committed snapshot is affected", e.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Path.Combine(Root, "packs", "aa")));
        }
        finally
        {
            Mounts.Unmount(Root);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }
}
