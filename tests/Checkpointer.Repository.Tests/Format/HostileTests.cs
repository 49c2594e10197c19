using System.Buffers.Binary;
using CsCheck;

namespace Checkpointer.Repository.Tests;

/// <summary>Whatever stands in headers, indexes and documents: an error that is meant, and no memory before the bounds were checked.</summary>
public sealed class HostileTests
{
    /// <summary>Bytes that reading a hostile text may allocate: the exception and small change.</summary>
    private const long Allowance = 200_000;

    [Fact]
    public void Frame_headers_of_any_bytes_are_refused_or_within_bounds() => Gen.Byte.Array[0, 20].Sample(bytes =>
    {
        if (FrameHeader.TryRead(bytes, 1000, out FrameHeader header))
        {
            Assert.InRange(header.RawLength, 1, 1000);
            Assert.InRange(header.PayloadLength, 1, header.RawLength);
            Assert.True(Enum.IsDefined(header.Codec));
        }
    });

    [Theory]
    [InlineData(1, 0u, 0u)]
    [InlineData(1, 131073u, 131073u)]
    [InlineData(1, uint.MaxValue, uint.MaxValue)]
    [InlineData(1, 100u, 99u)]
    [InlineData(2, 100u, 100u)]
    [InlineData(2, 100u, 0u)]
    [InlineData(2, 100u, uint.MaxValue)]
    [InlineData(3, 15u, 15u)]
    [InlineData(0, 1u, 1u)]
    [InlineData(4, 1u, 1u)]
    public void A_frame_header_out_of_bounds_is_refused(byte codec, uint raw, uint payload)
    {
        byte[] header = new byte[FormatConstants.FrameHeaderSize];
        header[0] = codec;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), raw);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), payload);
        Assert.False(FrameHeader.TryRead(header, FormatConstants.MaxChunk, out _));
    }

    [Fact]
    public void Map_entries_of_any_bytes_are_refused_or_within_bounds() => Gen.Byte.Array[FormatConstants.EntrySize].Sample(bytes =>
    {
        bytes[35] = (byte)(bytes[35] % 4);
        if (ChunkEntry.TryRead(bytes, out ChunkEntry entry))
        {
            Assert.InRange(entry.RawLength, 1, FormatConstants.MaxZeroRun);
            Assert.True(entry.Kind == EntryKind.Zero || entry.RawLength <= FormatConstants.MaxChunk);
            Assert.InRange(entry.FrameLength, 0, FormatConstants.MaxFrame);
        }
    });

    [Fact]
    public void Map_indexes_of_any_bytes_are_refused() => Gen.Byte.Array[0, 400].Sample(bytes => AssertRefused(bytes, () => MapIndexEncoding.Read(bytes, long.MaxValue, "maps/x")));

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(1 << 22)]
    public void A_huge_count_takes_no_memory(int count)
    {
        byte[] packs = new byte[100];
        BinaryPrimitives.WriteInt32LittleEndian(packs, count);
        AssertRefused(packs, () => MapIndexEncoding.Read(packs, long.MaxValue, "maps/x"));
        byte[] files = new byte[100];
        BinaryPrimitives.WriteInt32LittleEndian(files.AsSpan(4), count);
        AssertRefused(files, () => MapIndexEncoding.Read(files, long.MaxValue, "maps/x"));
    }

    [Fact]
    public void A_sound_index_with_any_byte_changed_is_refused_or_reads_within_bounds()
    {
        byte[] sound = SoundIndex();
        Assert.Single(MapIndexEncoding.Read(sound, 100_000, "maps/x").Files);
        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            byte[] changed = [.. sound];
            changed[at] = value;
            try
            {
                MapIndex index = MapIndexEncoding.Read(changed, 100_000, "maps/x");
                Assert.All(index.Files, f => Assert.Equal(f.File.Length, f.Segments.Sum(s => s.RawLength)));
            }
            catch (RepositoryException e)
            {
                Assert.Equal(RepositoryCodes.Damaged, e.Code);
            }
        });
    }

    [Fact]
    public void Documents_of_any_bytes_are_refused() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        AssertRefused(bytes, () => RepositoryConfig.Parse(bytes));
        AssertRefused(bytes, () => ManifestMapping.Read(
            RepositoryJson.Parse(bytes, RepositoryJson.Default.ManifestDocument, "x"), SnapshotId.Parse(new string('0', 32) + "-1"), "", 0, "x"));
    });

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"version":1}""")]
    [InlineData("""{"version":1,"lineage":"00000000000000000000000000000000","generation":1,"content":{},"map":{}}""")]
    [InlineData("""{"version":1,"lineage":"00000000000000000000000000000000","generation":1,"content":{"node":"n","intent":"final"},"files":-1,"map":{}}""")]
    [InlineData("""{"version":1,"lineage":"00000000000000000000000000000000","generation":1,"content":{"node":"n","intent":"final"},"map":{"id":"00000000000000000000000000000000","length":99999999999,"indexOffset":40,"indexFrame":0,"indexLength":99999999990,"indexDigest":"0000000000000000000000000000000000000000000000000000000000000000"}}""")]
    [InlineData("""{"version":1,"lineage":"00000000000000000000000000000000","generation":1,"content":{"node":"n","intent":"final"},"map":{"id":"00000000000000000000000000000000","length":100,"indexOffset":9223372036854775807,"indexFrame":0,"indexLength":10,"indexDigest":"0000000000000000000000000000000000000000000000000000000000000000"}}""")]
    public void A_manifest_that_is_authentic_but_wrong_is_refused(string json)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(json);
        AssertRefused(bytes, () => ManifestMapping.Read(
            RepositoryJson.Parse(bytes, RepositoryJson.Default.ManifestDocument, "x"), SnapshotId.Parse(new string('0', 32) + "-1"), "", 0, "x"));
    }

    private static byte[] SoundIndex()
    {
        byte[] index = new byte[4 + 24 + 4 + 3 + 4 + 12 + 24];
        BinaryPrimitives.WriteInt32LittleEndian(index, 1);
        BinaryPrimitives.WriteInt64LittleEndian(index.AsSpan(20), 1000);
        Span<byte> file = index.AsSpan(28);
        BinaryPrimitives.WriteInt32LittleEndian(file, 1);
        file = file[4..];
        file[0] = (byte)FileKind.Pages;
        BinaryPrimitives.WriteUInt16LittleEndian(file[1..], 4);
        "name"u8.CopyTo(file[3..]);
        BinaryPrimitives.WriteInt64LittleEndian(file[7..], 5000);
        BinaryPrimitives.WriteInt32LittleEndian(file[15..], 1);
        BinaryPrimitives.WriteInt64LittleEndian(file[19..], 40);
        BinaryPrimitives.WriteInt32LittleEndian(file[31..], 2);
        BinaryPrimitives.WriteInt64LittleEndian(file[35..], 5000);
        return index;
    }

    private static void AssertRefused(byte[] bytes, Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        RepositoryException e = Assert.Throws<RepositoryException>(read);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Contains(e.Code, (string[])[RepositoryCodes.Damaged, RepositoryCodes.TooNew]);
        Assert.True(allocated < Allowance, $"{allocated} bytes were allocated for {bytes.Length} hostile ones");
    }
}
