using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Indexes that somebody has changed: a tree within the target, or an error that is meant; nothing else.</summary>
public sealed class FileTreeFuzzTests : IDisposable
{
    private readonly MountedDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public async Task Entries_are_read_within_bounds()
    {
        var index = await SampleAsync();

        // Behind the head: magic, version, kind, one pattern of five bytes.
        var entries = index[16..];
        new global::Checkpointer.Testing.Fuzzing(entries).Run(static input =>
        {
            FileTreeEntry entry = new();
            ReadOnlyMemory<byte> rest = input;
            for (var isRoot = true; rest.Length > 0; isRoot = false)
            {
                EntryCursor cursor = new(rest);
                EntryParser.Read(ref cursor, entry, isRoot);
                if (!cursor.IsGood)
                {
                    return;
                }

                Assert.InRange(cursor.Position, 1, FileTreeLimits.MaxEntryBytes);
                Assert.True(entry.Type == FileTreeEntryType.End || isRoot || IsSafe(entry.Name.Span));
                rest = rest[cursor.Position..];
            }
        });
    }

    [Fact]
    public async Task Nothing_beside_the_target_is_touched()
    {
        var index = await SampleAsync();
        await using var store = await TreeStore.NewAsync();
        var outside = _place.Make("outside");
        Shell.Run(outside, "echo safe > file; mkdir in");
        var target = _place.Tmpfs("outside/target");
        Shell.Run(target, "ln -s .. up; ln -s ../in d; ln -s ../file hard");
        var before = TreeListing.Of(outside, "target");
        await new global::Checkpointer.Testing.Fuzzing(index) { Allowance = 1L << 30 }.RunAsync(async input =>
        {
            await store.WriteAsync((writer, _) =>
            {
                Put(writer, "tree-1", FileKind.Bytes, input);
                Put(writer, "tree-1-data", FileKind.Pages, new byte[3 * FileTreeLimits.Page].Select(static (_, i) => (byte)(i + 1)).ToArray());
            });
            FileTreeRecord record = new()
            {
                MountPoint = "/mnt",
                Kind = FileTreeKind.Directory,
                Index = "tree-1",
                Content = "tree-1-data",
                Entries = 10,
                Bytes = 0,
            };
            try
            {
                await store.ApplyAsync(record, target, checkBytes: false);
            }
            catch (RepositoryException e)
            {
                Assert.Contains(e.Code, (string[])[RepositoryCodes.Damaged, RepositoryCodes.TooNew]);
            }
            catch (OperationFailedException e)
            {
                // The kernel does not make everything that can be written down: devices, times, attributes.
                Assert.Equal("file-tree-apply", e.Code);
            }
        });
        Assert.Equal(before, TreeListing.Of(outside, "target"));
    }

    private static void Put(SnapshotWriter writer, string name, FileKind kind, byte[] data)
    {
        var file = writer.OpenFile(name, kind);
        file.Write(data);
        file.Complete();
    }

    private static bool IsSafe(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= 255 && !name.ContainsAny((byte)'/', (byte)0) && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    /// <summary>An index with something of everything: ten entries, three pages.</summary>
    private async Task<byte[]> SampleAsync()
    {
        var tree = _place.Tmpfs("tree");
        Shell.Run(
            tree,
            """
            mkdir -p d/in; echo hello > d/file; ln d/file hard; ln -s ../file d/link; mkfifo d/in/pipe; mknod d/in/null c 1 3; echo 1 > up
            truncate -s 200000 sparse; printf x | dd of=sparse bs=1 seek=100000 conv=notrunc status=none; mkdir z
            """);
        Xattr.Set(tree, "d", "trusted.a", "value");
        Xattr.Set(tree + "/d", "file", "system.posix_acl_access", Xattr.Acl);
        await using var store = await TreeStore.NewAsync();
        var record = await store.CaptureAsync(tree, FileTreeKind.Directory, "*.tmp");
        Assert.Equal(10, record.Entries);
        return await store.ReadAsync("tree-1");
    }
}
