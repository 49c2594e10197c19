using System.Buffers;
using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>Reads runs of stored chunks and opens their seals in place, without decompressing.</summary>
internal sealed class ChunkFetch(IBackend backend, KeyRing keys)
{
    /// <summary>The payloads of a run of at most <see cref="SnapshotCopy.RunBytes"/>, in a rented array that the caller gives back.</summary>
    public async Task<(byte[] Buffer, CopiedPiece[] Pieces, string Pack)> FetchAsync(ChunkRun run, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Pack(run.Pack.Id);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(run.StoredLength);
        try
        {
            await MapReader.ReadExactlyAsync(backend, name, run.Chunks[0].Offset, buffer.AsMemory(0, run.StoredLength), cancellationToken).ConfigureAwait(false);
            return (buffer, Open(run, buffer, name), name);
        }
        catch (Exception)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private CopiedPiece[] Open(ChunkRun run, byte[] buffer, string name)
    {
        using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, run.Pack.Id);
        CopiedPiece[] pieces = new CopiedPiece[run.Chunks.Count];
        int at = 0;
        for (int i = 0; i < pieces.Length; i++)
        {
            ChunkEntry chunk = run.Chunks[i];
            Span<byte> frame = buffer.AsSpan(at, chunk.FrameLength);
            if (!FrameHeader.TryRead(frame, FormatConstants.MaxChunk, out FrameHeader header)
                || header.RawLength != chunk.RawLength
                || header.FrameLength != chunk.FrameLength
                || header.Codec is not (FrameCodec.Raw or FrameCodec.Lz4))
            {
                throw At(name, chunk, "has a wrong header");
            }

            // In place: the cipher text is not needed any more, and the tag stands behind it.
            if (!cipher.TryOpen(chunk.Frame, header, frame, frame.Slice(FormatConstants.FrameHeaderSize, header.PayloadLength)))
            {
                throw At(name, chunk, "is not authentic");
            }

            pieces[i] = new CopiedPiece(header.Codec, chunk.RawLength, at + FormatConstants.FrameHeaderSize, header.PayloadLength, chunk.Hash);
            at += chunk.FrameLength;
        }

        return pieces;
    }

    private static RepositoryException At(string name, ChunkEntry chunk, string what) =>
        Damage.Of(name, string.Create(CultureInfo.InvariantCulture, $"frame {chunk.Frame} at {chunk.Offset} {what}"));
}
