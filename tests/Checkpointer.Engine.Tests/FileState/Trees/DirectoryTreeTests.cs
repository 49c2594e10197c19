using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Whole directories: captured from one tmpfs, made exactly so in another.</summary>
public sealed class DirectoryTreeTests : IDisposable
{
    private readonly MountedDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task A_directory_is_the_same_elsewhere_and_what_was_there_is_gone()
    {
        var (a, b) = Directories();
        Shell.Run(a, "mkdir -p d/e; echo 1 > d/e/f; ln d/e/f link; ln -s x d/s; mkfifo p; mknod w c 0 0; head -c 70000 /dev/zero > zeroes; chmod 2775 d; chown 3:4 d/s -h");
        Xattr.Set(a, "d", "trusted.overlay.opaque", "y");
        Shell.Run(b, "mkdir -p old/deep d/stale; echo x > old/deep/x; echo y > d/e; ln -s / link; echo z > top");
        Xattr.Set(b, "d", "trusted.other", "goes");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.Directory);

        await store.ApplyAsync(record, b);
        Assert.Equal(TreeListing.Of(a), TreeListing.Of(b));
        await store.ApplyAsync(record, b);
        Assert.Equal(TreeListing.Of(a), TreeListing.Of(b));
        Assert.Empty(store.Notes);
    }

    [Fact]
    public async Task In_a_directory_that_others_use_nothing_else_is_removed()
    {
        var (a, b) = Directories();
        Shell.Run(a, "mkdir -p d; echo 1 > d/f; echo 2 > both; echo 3 > type");
        Shell.Run(b, "mkdir -p d type/below; echo theirs > d/theirs; echo old > both; echo top > top");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.Directory);

        await store.ApplyAsync(record, b, merge: true);

        Assert.Equal(("theirs\n", "top\n"), (File.ReadAllText(b + "/d/theirs"), File.ReadAllText(b + "/top")));
        Assert.Equal(("1\n", "2\n", "3\n"), (File.ReadAllText(b + "/d/f"), File.ReadAllText(b + "/both"), File.ReadAllText(b + "/type")));
    }

    [Fact]
    public async Task What_is_mounted_below_belongs_to_nobody()
    {
        var (a, b) = Directories();
        Shell.Run(a, "mkdir -p d/mounted; echo under > d/mounted/under; echo f > file");
        _place.Tmpfs("a/d/mounted");
        Shell.Run(a, "echo a > d/mounted/inside; echo f > bound");
        _place.Mount("a/bound", $"--bind '{a}/file'", make: false);
        Shell.Run(b, "mkdir -p d/mounted d/gone x/y/z; echo own > bound; echo own > source");
        _place.Tmpfs("b/d/mounted");
        _place.Tmpfs("b/x/y/z");
        _place.Mount("b/bound", $"--bind '{b}/source'", make: false);
        Shell.Run(b, "echo b > d/mounted/inside; echo deep > x/y/z/stays");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.Directory);

        await store.ApplyAsync(record, b);

        Assert.Equal("b\n", File.ReadAllText(b + "/d/mounted/inside"));
        Assert.Equal("deep\n", File.ReadAllText(b + "/x/y/z/stays"));
        Assert.Equal("own\n", File.ReadAllText(b + "/bound"));
        Assert.Equal([b + "/bound", b + "/d", b + "/file", b + "/x"], Directory.GetFileSystemEntries(b).Order());
        Assert.False(Directory.Exists(b + "/d/gone"));

        // Where nothing is mounted, there is a place to mount on.
        var c = _place.Tmpfs("c");
        await store.ApplyAsync(record, c);
        Assert.Empty(Directory.GetFileSystemEntries(c + "/d/mounted"));
        Assert.Equal("", File.ReadAllText(c + "/bound"));
    }

    [Fact]
    public async Task Sockets_are_passed_over()
    {
        var (a, b) = Directories();
        using (var listener = UnixListener.Bind(a + "/socket"))
        {
            await using var store = await TreeStore.NewAsync();
            var record = await store.CaptureAsync(a, FileTreeKind.Directory);
            Assert.Equal(0, record.Entries);
            await store.ApplyAsync(record, b);
        }

        Assert.Empty(Directory.GetFileSystemEntries(b));
    }

    [Fact]
    public async Task Holes_stay_holes_and_cost_nothing()
    {
        var (a, b) = Directories();
        Shell.Run(a, "truncate -s 8T huge; printf x | dd of=huge bs=1 seek=5000000000000 conv=notrunc status=none; truncate -s 3G empty");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.Directory);
        Assert.Equal(4096, record.Bytes);

        await store.ApplyAsync(record, b);

        using var huge = RootedOpen.OpenRoot(b);
        Assert.True(Nodes.TryStatus(huge, "huge"u8, out var status));
        Assert.Equal((8L << 40, 4096), (status.Size, status.Allocated));
        Assert.Equal("x", Shell.Run(b, "dd if=huge bs=1 count=1 skip=5000000000000 status=none"));
        Assert.Equal(3L << 30, new FileInfo(b + "/empty").Length);
    }

    [Fact]
    public async Task A_directory_deeper_than_the_descriptors_that_are_held()
    {
        var (a, b) = Directories();
        Shell.Run(a, "p=.; for i in {1..300}; do p=$p/d; done; mkdir -p $p; p=.; for i in {1..300}; do p=$p/d; echo $i > $p/z; done");
        Shell.Run(b, "p=.; for i in {1..200}; do p=$p/d; done; mkdir -p $p; echo old > $p/old");
        await using var store = await TreeStore.NewAsync();
        await store.ApplyAsync(await store.CaptureAsync(a, FileTreeKind.Directory), b);
        Assert.Equal(TreeListing.Of(a), TreeListing.Of(b));
    }

    [Fact]
    public async Task Too_deep_a_directory_is_an_error_that_says_so()
    {
        var (a, _) = Directories();
        Shell.Run(a, "p=.; for i in {1..1030}; do p=$p/d; done; mkdir -p $p");
        await using var store = await TreeStore.NewAsync();
        var e = await Assert.ThrowsAsync<OperationFailedException>(() => store.CaptureAsync(a, FileTreeKind.Directory));
        Assert.Equal("file-tree-capture", e.Code);
        Assert.Contains("its path is too long", e.Message);
    }

    [Fact]
    public async Task What_is_left_out_is_not_captured_and_stays_where_the_tree_is_applied()
    {
        var (a, b) = Directories();
        Shell.Run(a, "mkdir -p cache/deep other; echo 1 > cache/a; echo 1 > x.tmp; echo 1 > other/y.tmp; echo 1 > other/stays");
        Shell.Run(b, "mkdir -p cache/mine other old; echo 2 > cache/mine/b; echo 2 > other/z.tmp; echo 2 > other/goes; echo 2 > old/w.tmp");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.Directory, "/cache/**", "*.tmp");
        Assert.Equal(3, record.Entries);
        await store.ApplyAsync(record, b);
        Assert.Equal(
            "./cache ./cache/mine ./cache/mine/b ./old ./old/w.tmp ./other ./other/stays ./other/z.tmp",
            Shell.Run(b, "find . -mindepth 1 | sort | xargs echo").Trim());
    }

    [Fact]
    public async Task A_target_that_cannot_be_written_to_is_an_error_that_says_how_to_mend_it()
    {
        var (a, b) = Directories();
        Shell.Run(a, "mkdir d; echo 1 > d/f");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.OverlayUpper);
        Shell.Run(b, $"mkdir d; mount -o remount,ro,mode=755 '{b}'");
        var e = await Assert.ThrowsAsync<OperationFailedException>(() => store.ApplyAsync(record, b));
        Assert.StartsWith("/mnt/d/f cannot be restored", e.Message, StringComparison.Ordinal);
        Assert.Contains("Mount it writable", e.Remedy);

        // With nothing but the directories above what a runtime mounts there, there is nothing to write.
        File.Delete(a + "/d/f");
        await store.ApplyAsync(await store.CaptureAsync(a, FileTreeKind.OverlayUpper), b);
    }

    [Fact]
    public async Task A_file_system_that_is_full_is_named()
    {
        var a = _place.Tmpfs("a");
        var b = _place.Mount("b", "-t tmpfs -o size=1M test");
        Shell.Run(a, "head -c 2000000 /dev/urandom > big");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a, FileTreeKind.Directory);
        var e = await Assert.ThrowsAsync<OperationFailedException>(() => store.ApplyAsync(record, b));
        Assert.StartsWith("/mnt/big cannot be restored", e.Message, StringComparison.Ordinal);
        Assert.Contains("more room", e.Remedy);
    }

    private (string A, string B) Directories() => (_place.Tmpfs("a"), _place.Tmpfs("b"));
}
