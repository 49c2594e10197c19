using System.Buffers.Binary;
using Checkpointer.Engine.Images;

namespace Checkpointer.Engine.Tests.Images;

public sealed class ImageDescriptionTests
{
    // Field numbers as CRIU's images/*.proto have them.
    private static readonly byte[] Inventory = Image(CriuImage.InventoryMagic, [0x08, 2]);
    private static readonly byte[] Tree = Image(
        CriuImage.ProcessTreeMagic,
        [0x08, 100, 0x10, 0, 0x18, 100, 0x20, 99, 0x28, 100, 0x28, 101],
        [0x08, 102, 0x10, 100, 0x18, 100, 0x20, 99, 0x28, 102]);

    private static readonly byte[] Core = Image(CriuImage.CoreMagic, [0x08, 1, 0x1a, 7, 0x08, 1, 0x32, 3, (byte)'a', 0x1b, (byte)'b']);

    [Fact]
    public void The_tree_is_read_from_three_files()
    {
        var read = Read(Inventory, Tree, Core);
        Assert.Equal((100, 2, true, "x86_64", "ab"), (read.RootPid, read.Processes, read.IsShellJob, read.Architecture, read.Command));
        Assert.Equal([100, 101, 102], read.ThreadIds);
    }

    [Fact]
    public void Without_a_core_the_architecture_is_not_known()
    {
        Assert.Null(Read(Inventory, Tree, null).Architecture);
    }

    [Fact]
    public void What_is_no_dump_is_refused_by_what_is_missing()
    {
        Assert.Contains("inventory.img", Refused(null, Tree, Core), StringComparison.Ordinal);
        Assert.Contains("inventory.img", Refused(Image(CriuImage.InventoryMagic, [0x08, 9]), Tree, Core), StringComparison.Ordinal);
        Assert.Contains("pstree.img", Refused(Inventory, null, Core), StringComparison.Ordinal);
        Assert.Contains("pstree.img", Refused(Inventory, Inventory, Core), StringComparison.Ordinal);
        Assert.Contains("names no process", Refused(Inventory, Image(CriuImage.ProcessTreeMagic, Array.Empty<byte>()), Core), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_bytes_are_read_or_refused_within_bounds()
    {
        Random random = new(7);
        for (var i = 0; i < 20_000; i++)
        {
            byte[][] files = [[.. Inventory], [.. Tree], [.. Core]];
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                var file = files[random.Next(files.Length)];
                file[random.Next(file.Length)] = (byte)random.Next(256);
            }

            try
            {
                var read = Read(files[0], files[1], files[2]);
                Assert.True(read.RootPid > 0 && read.Command.Length <= 64 && !read.Command.Any(char.IsControl));
            }
            catch (UsageException e)
            {
                Assert.Equal("not-images", e.Code);
            }
        }
    }

    internal static byte[] Image(uint magic, params byte[][] entries)
    {
        var image = new List<byte>();
        Span<byte> number = stackalloc byte[4];
        foreach (var value in magic == CriuImage.InventoryMagic ? (uint[])[magic] : [0x54564319, magic])
        {
            BinaryPrimitives.WriteUInt32LittleEndian(number, value);
            image.AddRange(number);
        }

        foreach (var entry in entries)
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, entry.Length);
            image.AddRange(number);
            image.AddRange(entry);
        }

        return [.. image];
    }

    private static string Refused(byte[]? inventory, byte[]? tree, byte[]? core) => Assert.Throws<UsageException>(() => Read(inventory, tree, core)).Message;

    private static ImageDescription Read(byte[]? inventory, byte[]? tree, byte[]? core) => ImageDescription.Read(name => name switch
    {
        "inventory.img" => inventory,
        "pstree.img" => tree,
        "core-100.img" => core,
        _ => null,
    });
}
