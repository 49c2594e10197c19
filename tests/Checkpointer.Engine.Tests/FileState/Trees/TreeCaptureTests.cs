using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>What an upper directory may say besides, others who write meanwhile, and a second capture.</summary>
public sealed class TreeCaptureTests : IDisposable
{
    private readonly MountedDirectory _place = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData("trusted.overlay.redirect")]
    [InlineData("trusted.overlay.metacopy")]
    [InlineData("user.overlay.opaque")]
    public async Task What_lies_in_a_lower_layer_is_refused_and_named(string attribute)
    {
        var tree = _place.Tmpfs("tree");
        Shell.Run(tree, "mkdir -p d; echo 1 > d/file");
        Xattr.Set(tree + "/d", "file", attribute, "y");
        await using var store = await TreeStore.NewAsync();
        var e = await Assert.ThrowsAsync<RefusedException>(() => store.CaptureAsync(tree, FileTreeKind.OverlayUpper));
        Assert.Equal("file-tree-elsewhere", e.Code);
        Assert.Equal("/mnt/d/file", Assert.Single(e.Findings).Subject);
        Assert.Contains(attribute, e.Message);

        using var root = RootedOpen.OpenRoot(tree);
        FileTreeSource source = new(root, "/mnt", FileTreeKind.OverlayUpper, 1, []);
        Assert.Equal("/mnt/d/file", Assert.Single(FileTreeCapture.Measure(source, Token).Findings).Subject);

        // In a plain directory it is an attribute like any other.
        Assert.Equal(2, (await store.CaptureAsync(tree, FileTreeKind.Directory)).Entries);
    }

    [Fact]
    public async Task Whiteouts_by_attribute_and_what_else_an_overlay_keeps()
    {
        var tree = _place.Tmpfs("tree");
        var target = _place.Tmpfs("target");
        Shell.Run(tree, "mkdir -p x opaque kept; : > x/gone; : > x/empty; echo 1 > opaque/new");
        Xattr.Set(tree, "x", "trusted.overlay.opaque", "x");
        Xattr.Set(tree + "/x", "gone", "trusted.overlay.whiteout", "y");
        Xattr.Set(tree, "opaque", "trusted.overlay.opaque", "y");
        Xattr.Set(tree, "kept", "trusted.overlay.overlay.opaque", "y");
        Xattr.Set(tree, "kept", "trusted.overlay.origin", "handle");
        Xattr.Set(tree, "kept", "trusted.mine", "mine");
        Shell.Run(target, "mkdir -p x opaque/old kept; echo 1 > x/gone; echo 1 > x/stays; echo 1 > opaque/old/y; echo 1 > kept/stays");
        await using var store = await TreeStore.NewAsync();
        await store.ApplyAsync(await store.CaptureAsync(tree, FileTreeKind.OverlayUpper), target);
        Assert.Equal("./kept ./kept/stays ./opaque ./opaque/new ./x ./x/empty ./x/stays", Shell.Run(target, "find . -mindepth 1 | sort | xargs echo").Trim());
        Assert.Contains(TreeListing.Of(target), static l => l.StartsWith("kept d ", StringComparison.Ordinal)
            && l.EndsWith("  trusted.mine=6D696E65 trusted.overlay.opaque=79", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("echo more >> a-file", "/mnt/a-file", "it changed")]
    [InlineData("truncate -s 5 a-file", "/mnt/a-file", "it changed")]
    [InlineData("rm b-file", "/mnt/b-file", "it vanished")]
    [InlineData("rm -r c-directory", "/mnt/c-directory", "it vanished")]
    public async Task What_others_change_meanwhile_is_an_error_in_an_upper_directory_and_noted_in_a_shared_one(string change, string path, string what)
    {
        var tree = _place.Make("tree");
        Shell.Run(tree, "head -c 300000 /dev/urandom > a-file; echo 1 > b-file; mkdir c-directory; echo 1 > d-file");
        await using var store = await TreeStore.NewAsync();
        FileTreeRecord? record = null;
        IReadOnlyList<Finding> notes = [];
        await store.WriteAsync((writer, pool) => record = Held(writer, pool, tree, FileTreeKind.Directory, change, out notes));
        var note = Assert.Single(notes);
        Assert.Equal(("file-tree-changed", FindingSeverity.Note, path), (note.Code, note.Severity, note.Subject));
        Assert.StartsWith(what, note.Found, StringComparison.Ordinal);

        // What was read is whole all the same.
        var target = _place.Make("target");
        await store.ApplyAsync(record!, target);
        Assert.True(File.Exists(target + "/d-file"));

        Shell.Run(tree, "rm -rf c-directory; head -c 300000 /dev/urandom > a-file; echo 1 > b-file; mkdir c-directory");
        var e = await Assert.ThrowsAsync<OperationFailedException>(
            () => store.WriteAsync((writer, pool) => Held(writer, pool, tree, FileTreeKind.OverlayUpper, change, out _)));
        Assert.StartsWith(path + " cannot be captured: " + what, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_capture_of_what_hardly_changed_stores_hardly_anything()
    {
        var tree = _place.Make("tree");
        Shell.Run(tree, "mkdir d; for i in {100..160}; do head -c $((i * 500)) /dev/urandom > d/$i; done; head -c 5000000 /dev/urandom > big");
        await using var store = await TreeStore.NewAsync();
        await store.CaptureAsync(tree, FileTreeKind.Directory);
        var first = store.Last!;
        Shell.Run(tree, "echo new > d/125-and-a-half; rm d/110; echo changed >> d/140");
        await store.CaptureAsync(tree, FileTreeKind.Directory);
        Assert.True(first.BytesStored > 8_000_000, $"{first.BytesStored} bytes were stored first");
        Assert.True(store.Last!.BytesStored < first.BytesStored / 10, $"{store.Last.BytesStored} bytes were stored again");
    }

    [Theory]
    [InlineData(FileTreeKind.Directory)]
    [InlineData(FileTreeKind.OverlayUpper)]
    public async Task What_was_stored_early_is_not_stored_again_and_what_changed_since_is_what_comes_back(FileTreeKind kind)
    {
        var tree = _place.Make("tree");
        var target = _place.Make("target");
        Shell.Run(tree, "mkdir d e; head -c 5000000 /dev/urandom > d/big; head -c 200000 /dev/urandom > d/changed; echo 1 > e/gone; mkfifo fifo; ln d/big linked");
        await using var store = await TreeStore.NewAsync();
        var (record, early) = await store.CaptureAsync(
            tree, kind, () => Shell.Run(tree, "printf x | dd of=d/changed bs=1 seek=100000 conv=notrunc status=none; rm -r e; head -c 100000 /dev/urandom > new; mv d/big d/moved"));
        Assert.True(early > 5_000_000, $"{early} bytes were stored early");
        Assert.InRange(store.Last!.BytesStored - early, 100_000, 1_000_000);
        Assert.Equal(5_300_000, record.Bytes);
        await store.ApplyAsync(record, target);
        Assert.Equal(TreeListing.Of(tree), TreeListing.Of(target));
    }

    [Fact]
    public async Task Files_that_change_while_they_are_stored_early_do_not_matter_and_are_not_noted()
    {
        var tree = _place.Make("tree");
        Shell.Run(tree, "head -c 300000 /dev/urandom > file");
        await using var store = await TreeStore.NewAsync();

        // All by the shell itself: a program that it had started could write on when the shell is killed.
        using var writes = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("sh", ["-c", "while :; do echo $((n=n+1)) >> file; done"]) { WorkingDirectory = tree })!;
        try
        {
            FileInfo file = new(Path.Combine(tree, "file"));
            Assert.True(SpinWait.SpinUntil(() => Length(file) > 300_000, TimeSpan.FromMinutes(1)), "the file did not change");
            await store.CaptureAsync(tree, FileTreeKind.OverlayUpper, () =>
            {
                writes.Kill();
                writes.WaitForExit();
            });
        }
        finally
        {
            writes.Kill();
        }

        Assert.Empty(store.Notes);
        Assert.Equal(1, store.Last!.Id.Generation);
    }

    [Fact]
    public void Measuring_tells_entries_and_bytes()
    {
        var tree = _place.Tmpfs("tree");
        Shell.Run(tree, "mkdir d; head -c 10000 /dev/urandom > d/a; ln d/a b; truncate -s 1G holes; ln -s x link; echo 1 > left.tmp");
        using var root = RootedOpen.OpenRoot(tree);
        var measure = FileTreeCapture.Measure(new FileTreeSource(root, "/mnt", FileTreeKind.Directory, 1, ["*.tmp"]), Token);
        Assert.Equal((5, 10000), (measure.Entries, measure.Bytes));
        Assert.Empty(measure.Findings);
    }

    [Fact]
    public async Task A_capture_that_is_cancelled_gives_its_memory_back()
    {
        var tree = _place.Make("tree");
        Shell.Run(tree, "echo 1 > a");
        await using var store = await TreeStore.NewAsync();
        await store.WriteAsync((writer, pool) =>
        {
            using var root = RootedOpen.OpenRoot(tree);
            FileTreeSource source = new(root, "/mnt", FileTreeKind.Directory, 1, []);
            Assert.Throws<OperationCanceledException>(() => new FileTreeCapture(writer, pool).Capture(source, new CancellationToken(canceled: true)));
            Assert.Equal(0, pool.Outstanding);
            writer.OpenFile("tree-2", FileKind.Bytes).Complete();
        }, commit: false);
    }

    private static long Length(FileInfo file)
    {
        file.Refresh();
        return file.Length;
    }

    /// <summary>Captures, and changes the tree when the first file is open and nothing of it read: there is no block to read into before.</summary>
    private static FileTreeRecord Held(
        SnapshotWriter writer, BlockPool pool, string tree, FileTreeKind kind, string change, out IReadOnlyList<Finding> notes)
    {
        List<Block> held = [];
        while (pool.TryRent(out var block))
        {
            held.Add(block);
        }

        FileTreeCapture capture = new(writer, pool);
        using var root = RootedOpen.OpenRoot(tree);
        var running = Task.Run(() => capture.Capture(new FileTreeSource(root, "/mnt", kind, 1, []), Token), Token);
        try
        {
            var name = Path.Combine(tree, "a-file");
            Assert.True(SpinWait.SpinUntil(() => IsOpen(name), TimeSpan.FromMinutes(1)), "the file was never opened");
            Shell.Run(tree, change);
        }
        finally
        {
            held.ForEach(static b => b.Dispose());
        }

        var record = running.GetAwaiter().GetResult();
        notes = capture.Notes;
        return record;
    }

    private static bool IsOpen(string path) => Directory.GetFileSystemEntries("/proc/self/fd").Any(fd => new FileInfo(fd).LinkTarget == path);
}
