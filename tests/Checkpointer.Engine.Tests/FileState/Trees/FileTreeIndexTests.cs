using System.Text;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>The index: its bytes, and what is no index.</summary>
public sealed class FileTreeIndexTests : IAsyncLifetime
{
    private readonly MountedDirectory _place = new();
    private TreeStore _store = null!;

    public static TheoryData<string, byte[]> Damages => new()
    {
        { "another format", [.. "CKPTREE\u0001"u8, 1, 1, 0] },
        { "another kind", new IndexBuilder(FileTreeKind.OverlayUpper).Root().Finish(0) },
        { "an end in the middle", new IndexBuilder().Root().Bytes },
        { "an end in the middle", new IndexBuilder().Root().Regular("a", 5).Bytes },
        { "an end in the middle", [.. "CKPTREE\0"u8] },
        { "unknown kind", new IndexBuilder().Byte(2).Status().Number(0).Finish(0) },
        { "unknown kind", new IndexBuilder().Root().Byte(11).Text("a").Finish(1) },
        { "unknown kind", new IndexBuilder().Root().Byte(15).Text("a").Finish(1) },
        { "unknown kind", new IndexBuilder().Root().Byte(8 | 0x10).Text("a").Finish(1) },
        { "a name that is none", new IndexBuilder().Root().Directory("..").End().Finish(1) },
        { "a name that is none", new IndexBuilder().Root().Directory(".").End().Finish(1) },
        { "a name that is none", new IndexBuilder().Root().Regular("a/b", 0).Finish(1) },
        { "a name that is none", new IndexBuilder().Root().Regular("/etc", 0).Finish(1) },
        { "a name that is none", new IndexBuilder().Root().Regular("a\0b", 0).Finish(1) },
        { "the length of a name", new IndexBuilder().Root().Regular("", 0).Finish(1) },
        { "the length of a name", new IndexBuilder().Root().Regular(new string('a', 256), 0).Finish(1) },
        { "the length of a name", new IndexBuilder().Root().Byte(2).Number(ulong.MaxValue).Bytes },
        { "out of order", new IndexBuilder().Root().Regular("b", 0).Regular("a", 0).Finish(2) },
        { "out of order", new IndexBuilder().Root().Link("a", "/").Directory("a").End().Finish(2) },
        { "out of order", new IndexBuilder().Root().Directory("a").End().Regular("a", 0).Finish(2) },
        { "a mode", new IndexBuilder().Root().Byte(2).Text("a").Status(0x1000).Number(0).Finish(1) },
        { "an owner", new IndexBuilder().Root().Byte(2).Text("a").Number(0).Number(uint.MaxValue).Finish(1) },
        { "a time", new IndexBuilder().Root().Byte(2).Text("a").Number(0).Number(0).Number(0).Number(0).Number(1_000_000_000).Finish(1) },
        { "more lengths than contents", new IndexBuilder().Root().Regular("a", 4097).Finish(1) },
        { "more lengths than contents", new IndexBuilder().Root().Regular("a", 1L << 40).Finish(1) },
        { "a stretch of data", new IndexBuilder().Root().Regular("a", long.MaxValue).Finish(1) },
        { "other lengths than the contents", new IndexBuilder().Root().Regular("a", 0).Finish(1) },
        { "a hole", new IndexBuilder().Root().Byte(2 | 0x80).Text("a").Status().Number(10).Number(1).Number(11).Number(1).Finish(1) },
        { "a stretch of data", new IndexBuilder().Root().Byte(2 | 0x80).Text("a").Status().Number(10).Number(1).Number(5).Number(6).Finish(1) },
        { "the number of stretches", new IndexBuilder().Root().Byte(2 | 0x80).Text("a").Status().Number(10).Number(1 << 20).Finish(1) },
        { "a symbolic link", new IndexBuilder().Root().Link("a", "").Finish(1) },
        { "a symbolic link", new IndexBuilder().Root().Link("a", new string('a', 4096)).Finish(1) },
        { "a symbolic link", new IndexBuilder().Root().Link("a", "a\0b").Finish(1) },
        { "a link to an entry", new IndexBuilder().Root().Byte(7).Text("a").Number(0).Finish(1) },
        { "an attribute that does not travel", new IndexBuilder().Root().Byte(4 | 0x10).Text("a").Status().Number(1).Text("security.selinux").Text("x").Finish(1) },
        { "the number of attributes", new IndexBuilder().Root().Byte(4 | 0x10).Text("a").Status().Number(1 << 20).Finish(1) },
        { "the value of an attribute", new IndexBuilder().Root().Byte(4 | 0x10).Text("a").Status().Number(1).Text("user.a").Text(new string('x', 65537)).Finish(1) },
        { "another number of entries", new IndexBuilder().Root().Regular("a", 4096).Finish(0) },
        { "another number of entries", new IndexBuilder().Root().Finish(0) },
        { "another number of entries", new IndexBuilder().Root().Regular("a", 4096).Regular("b", 0).Finish(2) },
        { "the number of patterns", [.. "CKPTREE\0"u8, 1, 1, 0xff, 0xff, 0x03] },
        { "a pattern that is none", [.. "CKPTREE\0"u8, 1, 1, 1, 2, (byte)'.', (byte)'.', 1, 0, 0, 0, 0, 0, 0, 0] },
        { "bytes behind its end", [.. new IndexBuilder().Root().Regular("a", 4096).Finish(1), 0] },
        { "a path that is too long", Deep(1025) },
        { "a path that is too long", Deep(20, new string('x', 250)) },
    };

    public async ValueTask InitializeAsync() => _store = await TreeStore.NewAsync();

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _place.Dispose();
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task What_is_no_index_is_damage(string says, byte[] index)
    {
        var target = _place.Make("target");
        var e = await Assert.ThrowsAsync<RepositoryException>(() => ApplyAsync(index, target));
        Assert.Equal((RepositoryCodes.Damaged, "tree-1"), (e.Code, e.ObjectName));
        Assert.Contains(says, e.Message);
        Assert.Equal([target], Directory.GetFileSystemEntries(_place.Path));
    }

    [Fact]
    public async Task A_newer_index_says_so()
    {
        var e = await Assert.ThrowsAsync<RepositoryException>(() => ApplyAsync([.. "CKPTREE\0"u8, 2, 1, 0], _place.Make("target")));
        Assert.Equal(RepositoryCodes.TooNew, e.Code);
    }

    [Fact]
    public async Task An_entry_that_never_ends_ends_at_a_bound()
    {
        // The zeroes of an index are stored as a run: a gigabyte costs its author nothing.
        var head = new IndexBuilder().Root().Byte(3 | 0x10).Text("a").Status().Number(1024).Bytes;
        var e = await Assert.ThrowsAsync<RepositoryException>(() => ApplyAsync([.. head, .. new byte[32 << 20]], _place.Make("target")));
        Assert.Contains("the name of an attribute", e.Message);
    }

    [Fact]
    public async Task The_same_tree_gives_the_same_bytes()
    {
        var one = _place.Make("one");
        var other = _place.Make("other");
        Shell.Run(one, "mkdir b a; for i in {1..40}; do echo $i > a/$i; done; touch -d @7 a/* a b .");
        Shell.Run(other, "mkdir a; for i in {40..1}; do echo $i > a/$i; done; mkdir b; touch -d @7 a/* b a .");
        await _store.CaptureAsync(one, FileTreeKind.Directory);
        var index = await _store.ReadAsync("tree-1");
        var content = await _store.ReadAsync("tree-1-data");
        await _store.CaptureAsync(other, FileTreeKind.Directory);
        Assert.Equal(index, await _store.ReadAsync("tree-1"));
        Assert.Equal(content, await _store.ReadAsync("tree-1-data"));
        Assert.Equal(40 * 4096, content.Length);
    }

    [Fact]
    public async Task The_bytes_are_those_of_the_format()
    {
        Assert.SkipUnless(Platform.Host.EffectiveUid == 0, "owners need root");
        var tree = _place.Tmpfs("tree");
        Shell.Run(
            tree,
            """
            mkdir d; echo hello > d/file; ln d/file d/hard; ln -s to/there d/link; mkfifo d/pipe; mknod d/null c 1 3; chown 1000:300 d/file
            truncate -s 200000 sparse; printf x | dd of=sparse bs=1 seek=100000 conv=notrunc status=none
            chmod 644 sparse d/file d/pipe d/null; chmod 755 d .; touch -h -d '@1000000000.000000005' d/* ; touch -d @-2 sparse d .
            """);
        Xattr.Set(tree + "/d", "file", "trusted.a", "v");
        await _store.CaptureAsync(tree, FileTreeKind.Directory, "*.tmp");
        const string Time = "80A8D6B907" + "05";
        Assert.Equal(
            "434B505452454500" + "01" + "01" + "01" + "052A2E746D70"
            + "01" + "ED03" + "00" + "00" + "03" + "00"
            + "01" + "0164" + "ED03" + "00" + "00" + "03" + "00"
            + "32" + "0466696C65" + "A403" + "E807" + "AC02" + Time + "01" + "09747275737465642E61" + "0176" + "06"
            + "07" + "0468617264" + "00"
            + "03" + "046C696E6B" + "FF03" + "00" + "00" + Time + "08746F2F7468657265"
            + "05" + "046E756C6C" + "A403" + "00" + "00" + Time + "01" + "03"
            + "04" + "0470697065" + "A403" + "00" + "00" + Time
            + "00"
            + "82" + "06737061727365" + "A403" + "00" + "00" + "03" + "00" + "C09A0C" + "01" + "808006" + "8020"
            + "00" + "07",
            Convert.ToHexString(await _store.ReadAsync("tree-1")));
    }

    private static byte[] Deep(int depth, string name = "d")
    {
        IndexBuilder index = new();
        index.Root();
        for (var i = 0; i < depth; i++)
        {
            index.Directory(name);
        }

        return index.Bytes;
    }

    /// <summary>One page of contents, and one entry in the record.</summary>
    private async Task ApplyAsync(byte[] index, string target)
    {
        Assert.SkipUnless(Platform.Host.EffectiveUid == 0, "the trees belong to root");
        await _store.WriteAsync((writer, _) =>
        {
            var file = writer.OpenFile("tree-1", FileKind.Bytes);
            file.Write(index);
            file.Complete();
            var content = writer.OpenFile("tree-1-data", FileKind.Pages);
            content.Write(Encoding.ASCII.GetBytes(new string('c', 4096)));
            content.Complete();
        });
        FileTreeRecord record = new()
        {
            MountPoint = "/mnt",
            Kind = FileTreeKind.Directory,
            Index = "tree-1",
            Content = "tree-1-data",
            Entries = 1,
            Bytes = 0,
        };
        await _store.ApplyAsync(record, target);
    }
}
