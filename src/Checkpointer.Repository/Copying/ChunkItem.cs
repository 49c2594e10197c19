using System.Buffers;

namespace Checkpointer.Repository;

/// <summary>A stored chunk of another repository, opened but not decompressed, or a zero run.</summary>
internal readonly record struct CopiedPiece(FrameCodec Codec, int RawLength, int Offset, int Length, UInt128 SourceHash)
{
    public static CopiedPiece Zero(int rawLength) => new(default, rawLength, 0, 0, default);

    public bool IsZero => Length == 0;
}

/// <summary>Adjacent pieces of one file that keep their cuts and their compression; only seal and hash are new.</summary>
internal sealed class ChunkItem(FileWriter file, long sequence, byte[]? buffer, CopiedPiece[] pieces, long sourceSeed, string source, Action release) : WorkItem
{
    public FileWriter File => file;

    public long Sequence => sequence;

    public ReadOnlySpan<CopiedPiece> Pieces => pieces;

    /// <summary>Seed of the hashes in the source's map.</summary>
    public long SourceSeed => sourceSeed;

    /// <summary>The pack that they came from, for errors.</summary>
    public string Source => source;

    public ReadOnlySpan<byte> Payload(CopiedPiece piece) => buffer.AsSpan(piece.Offset, piece.Length);

    public override void Dispose()
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        release();
    }
}
