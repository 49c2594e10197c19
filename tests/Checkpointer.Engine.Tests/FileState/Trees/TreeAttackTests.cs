using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Links in the target that would lead what is written, or removed, elsewhere.</summary>
public sealed class TreeAttackTests : IDisposable
{
    private readonly MountedDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData(FileTreeKind.OverlayUpper)]
    [InlineData(FileTreeKind.Directory)]
    public async Task A_link_where_the_tree_has_a_directory_is_replaced(FileTreeKind kind)
    {
        var (tree, target, outside) = Places();
        Shell.Run(tree, "mkdir -p d/e f; echo new > d/e/file; echo new > f/x; ln f/x hard");
        Shell.Run(target, "ln -s ../outside d; ln -s ../outside f; ln -s ../outside/file hard");
        await using var store = await TreeStore.NewAsync();

        await store.ApplyAsync(await store.CaptureAsync(tree, kind), target);

        Assert.Equal(TreeListing.Of(tree), TreeListing.Of(target));
        Assert.Equal("safe\n", File.ReadAllText(outside + "/file"));
        Assert.Equal([outside + "/e", outside + "/file"], Directory.GetFileSystemEntries(outside).Order());
    }

    [Fact]
    public async Task A_link_in_what_is_removed_is_not_followed()
    {
        var (tree, target, outside) = Places();
        Shell.Run(target, "mkdir -p old/deep; ln -s ../../../outside old/deep/link; ln -s ../outside link");
        await using var store = await TreeStore.NewAsync();
        await store.ApplyAsync(await store.CaptureAsync(tree, FileTreeKind.Directory), target);
        Assert.Empty(Directory.GetFileSystemEntries(target));
        Assert.Equal("safe\n", File.ReadAllText(outside + "/e/inner"));
    }

    [Fact]
    public async Task A_whiteout_of_a_link_takes_the_link()
    {
        var (tree, target, outside) = Places();
        Assert.SkipUnless(Host.EffectiveUid == 0, "device files need root");
        Shell.Run(tree, "mknod gone c 0 0; mkdir d; mknod d/gone c 0 0");
        Shell.Run(target, "ln -s ../outside gone; ln -s ../outside d");
        await using var store = await TreeStore.NewAsync();
        await store.ApplyAsync(await store.CaptureAsync(tree, FileTreeKind.OverlayUpper), target);
        Assert.Equal([target + "/d"], Directory.GetFileSystemEntries(target));
        Assert.Equal([outside + "/e", outside + "/file"], Directory.GetFileSystemEntries(outside).Order());
    }

    [Fact]
    public async Task A_tree_is_captured_without_following_its_links()
    {
        var (tree, target, _) = Places();
        Shell.Run(tree, "ln -s ../outside link; ln -s / root");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(tree, FileTreeKind.Directory);
        Assert.Equal((2, 0), (record.Entries, record.Bytes));
        await store.ApplyAsync(record, target);
        Assert.Equal("/", new FileInfo(target + "/root").LinkTarget);
    }

    private (string Tree, string Target, string Outside) Places()
    {
        var outside = _place.Make("outside");
        Shell.Run(outside, "echo safe > file; mkdir e; echo safe > e/inner");
        return (_place.Make("tree"), _place.Make("target"), outside);
    }
}
