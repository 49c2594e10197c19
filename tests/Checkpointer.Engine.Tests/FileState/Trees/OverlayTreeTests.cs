using Checkpointer.Engine.FileState.Trees;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Upper directories of real overlays, captured and applied through the merged view of another overlay of the same layer.</summary>
public sealed class OverlayTreeTests : IDisposable
{
    private const string Image =
        """
        mkdir -p etc gone/deep opaque/sub becomes-link usr/bin empty keep
        echo conf > etc/conf; echo hosts > etc/hosts; echo a > gone/a; echo b > gone/deep/b
        echo x > opaque/x; echo y > opaque/sub/y; echo file > becomes-directory; echo in > becomes-link/in
        echo tool > usr/bin/tool; chmod 755 usr/bin/tool; ln -s conf etc/link; echo keep > keep/file
        ln etc/conf etc/conf-too; mkfifo keep/fifo
        """;

    private const string Changes =
        """
        echo more >> etc/conf; rm etc/hosts; rm -r gone; rm -r opaque; mkdir opaque; mkdir opaque/sub; echo new > opaque/sub/new
        rm becomes-directory; mkdir -p becomes-directory/in; echo z > becomes-directory/in/z
        rm -r becomes-link; ln -s /etc/passwd becomes-link
        chmod 4755 usr/bin/tool; chown 12:34 usr/bin/tool; chmod 1777 keep; touch -d '1999-01-02 03:04:05.678901234' keep/file keep
        rm etc/link; mkdir etc/link; echo 1 > etc/link/one; mkfifo -m 620 pipe; mknod -m 604 null c 1 3; mknod -m 640 disk b 8 17
        echo linked > first; ln first second; ln first keep/third; ln -s nowhere dangling; ln -P dangling dangling-too
        truncate -s 1M sparse; printf tail | dd of=sparse bs=1 seek=700000 conv=notrunc status=none
        printf '%s' odd > $'odd\xff\xfe name\n'; mkdir $'\x80dir'; echo 1 > $'\x80dir/\xc3'; : > empty/zero
        head -c 3000000 /dev/urandom > big; touch -h -d '2001-02-03 04:05:06.000000007' dangling
        """;

    private readonly MountedDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task What_a_container_changed_is_the_same_in_another_container_of_the_image()
    {
        var (a, b) = Overlays(Changes);
        Xattr.Set(a.Merged, "first", "user.comment", "text");
        Xattr.Set(a.Merged, "big", "security.capability", Xattr.Capability);
        Xattr.Set(a.Merged, "keep", "system.posix_acl_default", Xattr.Acl);
        Xattr.Set(a.Merged, "keep", "trusted.mark", "kept");
        Xattr.Set(a.Merged + "/keep", "third", "system.posix_acl_access", Xattr.Acl);
        Xattr.Set(a.Merged, "dangling", "trusted.link", "on a link");
        Shell.Run(a.Merged, "echo without > keep/no-acl; chmod 640 keep/no-acl");
        Xattr.Set(a.Merged + "/keep", "no-acl", "system.posix_acl_access", Xattr.Acl);
        Shell.Run(a.Merged, "touch -d @5 keep");
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a.Upper, FileTreeKind.OverlayUpper);

        await store.ApplyAsync(record, b.Merged);

        var expected = TreeListing.Of(a.Merged);
        Assert.Equal(expected, TreeListing.Of(b.Merged));
        Assert.True(record.Entries > 20 && record.Bytes > 3_000_000 && record.Bytes < 3_100_000, $"{record}");

        await store.ApplyAsync(record, b.Merged);
        Assert.Equal(expected, TreeListing.Of(b.Merged));
    }

    [Fact]
    public async Task What_the_other_container_had_changed_itself_gives_way_where_the_tree_says_something()
    {
        var (a, b) = Overlays(Changes);
        Shell.Run(
            b.Merged,
            """
            rm -r opaque; mkdir -p opaque/other; echo o > opaque/other/file; rm -r etc; ln -s /tmp etc; echo mine > gone/mine
            mkdir -p second/with; echo content > second/with/file; rm becomes-directory; ln -s / becomes-directory; mkdir pipe null; echo stays > untouched
            """);
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a.Upper, FileTreeKind.OverlayUpper);

        await store.ApplyAsync(record, b.Merged);

        // What the captured one never changed is the image's in the one, and whatever it was in the other.
        Assert.Equal("stays\n", File.ReadAllText(b.Merged + "/untouched"));
        File.Delete(b.Merged + "/untouched");
        Shell.Run(b.Merged, $"touch -r '{a.Merged}' .");
        Assert.False(File.Exists(b.Merged + "/etc/conf-too"));
        Assert.Equal(TreeListing.Of(a.Merged, "etc/conf-too"), TreeListing.Of(b.Merged));
    }

    [Fact]
    public async Task What_a_container_has_mounted_stays_mounted_when_its_tree_is_applied_from_outside()
    {
        var (a, b) = Overlays("rm -r etc; mkdir -p etc/hosts.d; : > etc/hosts; : > etc/link; rm -r keep; ln -s x keep; echo 1 > etc/hosts.d/new");
        using var container = new MountNamespace(
            $$"""
            mount --make-rprivate /; mkdir -p '{{_place.Path}}/volume' '{{b.Merged}}/keep/data'; echo mine > '{{_place.Path}}/volume/hosts'
            touch '{{b.Merged}}/etc/resolv'; mount --bind '{{_place.Path}}/volume/hosts' '{{b.Merged}}/etc/hosts'
            mount --bind '{{_place.Path}}/volume/hosts' '{{b.Merged}}/etc/resolv'; mount -t tmpfs test '{{b.Merged}}/keep/data'
            """);
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(a.Upper, FileTreeKind.OverlayUpper);

        // A directory with something mounted in it cannot become a link: that is said, and nothing is unmounted.
        var e = await Assert.ThrowsAsync<OperationFailedException>(() => store.ApplyAsync(record, container.Root + b.Merged));
        Assert.StartsWith("/mnt/keep cannot be restored: a directory is there, and in it something mounted", e.Message, StringComparison.Ordinal);
        Assert.Equal(3, container.Mounts.Count(m => m.StartsWith(b.Merged + "/", StringComparison.Ordinal)));

        Shell.Run(a.Merged, "rm keep; mkdir keep; echo 1 > keep/file");
        await store.ApplyAsync(await store.CaptureAsync(a.Upper, FileTreeKind.OverlayUpper), container.Root + b.Merged);
        Assert.Equal(3, container.Mounts.Count(m => m.StartsWith(b.Merged + "/", StringComparison.Ordinal)));
        Assert.Equal("mine\n", File.ReadAllText(container.Root + b.Merged + "/etc/hosts"));
        Assert.Equal("1\n", File.ReadAllText(b.Merged + "/keep/file"));
        Assert.Equal("1\n", File.ReadAllText(b.Merged + "/etc/hosts.d/new"));
        Assert.Equal(["data", "file"], Directory.GetFileSystemEntries(b.Merged + "/keep").Select(Path.GetFileName).Order());
    }

    private (TestOverlay A, TestOverlay B) Overlays(string changes)
    {
        var image = _place.Tmpfs("image");
        Shell.Run(image, Image);
        var a = _place.Overlay("a", image);
        var b = _place.Overlay("b", image);
        Shell.Run(a.Merged, changes);
        return (a, b);
    }
}
