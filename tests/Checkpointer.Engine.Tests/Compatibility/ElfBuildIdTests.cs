using System.Buffers.Binary;
using Checkpointer.Engine.Compatibility;

namespace Checkpointer.Engine.Tests.Compatibility;

public sealed class ElfBuildIdTests
{
    [Fact]
    public void A_real_program_has_one()
    {
        Assert.Matches("^[0-9a-f]{40}$", ElfBuildId.Read("/bin/sh"));
    }

    [Fact]
    public void Something_else_has_none()
    {
        Assert.Null(ElfBuildId.Read("/etc/passwd"));
        Assert.Null(ElfBuildId.Read("/no/such/file"));
        Assert.Null(ElfBuildId.Read(new MemoryStream([])));
    }

    [Fact]
    public void A_small_file_is_read()
    {
        Assert.Equal("aabbcc", ElfBuildId.Read(new MemoryStream(Elf([0xaa, 0xbb, 0xcc]))));
    }

    [Fact]
    public void No_cut_and_no_flipped_byte_makes_it_throw_or_allocate()
    {
        byte[] file = Elf([1, 2, 3, 4]);
        for (int i = 0; i < file.Length; i++)
        {
            ElfBuildId.Read(new MemoryStream(file[..i]));
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. file];
                flipped[i] ^= (byte)(1 << bit);
                ElfBuildId.Read(new MemoryStream(flipped));
            }
        }
    }

    private static byte[] Elf(byte[] id)
    {
        byte[] file = new byte[64 + 56 + 12 + 12 + 4 + 12 + 4 + ((id.Length + 3) & ~3)];
        "\u007fELF"u8.CopyTo(file);
        file[4] = 2;
        file[5] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), 1);
        Span<byte> segment = file.AsSpan(64);
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 4);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[8..], 120);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[32..], (ulong)(file.Length - 120));
        Span<byte> other = file.AsSpan(120);
        BinaryPrimitives.WriteUInt32LittleEndian(other, 4);
        BinaryPrimitives.WriteUInt32LittleEndian(other[4..], 8);
        BinaryPrimitives.WriteUInt32LittleEndian(other[8..], 1);
        Span<byte> note = other[(12 + 4 + 8)..];
        BinaryPrimitives.WriteUInt32LittleEndian(note, 4);
        BinaryPrimitives.WriteUInt32LittleEndian(note[4..], (uint)id.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(note[8..], 3);
        "GNU\0"u8.CopyTo(note[12..]);
        id.CopyTo(note[16..]);
        return file;
    }
}
