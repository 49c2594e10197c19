using System.Buffers;
using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>Reads runs of stored chunks, also from packs that were rewritten, and opens their seals in place, without decompressing.</summary>
internal sealed class ChunkFetch(IBackend backend, KeyRing keys)
{
    private readonly MoveStore _moves = new(backend, keys);

    /// <summary>The payloads of a run of at most <see cref="SnapshotCopy.RunBytes"/>, in a rented array that the caller gives back.</summary>
    public async Task<(byte[] Buffer, CopiedPiece[] Pieces, string Pack)> FetchAsync(ChunkRun run, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(run.StoredLength);
        try
        {
            CopiedPiece[] pieces = new CopiedPiece[run.Chunks.Count];
            await FetchAsync(run.Pack.Id, run.Chunks, new Destination(buffer, 0, pieces), depth: 0, cancellationToken).ConfigureAwait(false);
            return (buffer, pieces, ObjectNames.Pack(run.Pack.Id));
        }
        catch (Exception)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private async Task FetchAsync(ObjectId pack, ArraySegment<ChunkEntry> chunks, Destination to, int depth, CancellationToken cancellationToken)
    {
        PackMove? move = _moves.Known(pack);
        if (move is null)
        {
            int length = chunks.Sum(static c => c.FrameLength);
            try
            {
                await MapReader.ReadExactlyAsync(backend, ObjectNames.Pack(pack), chunks[0].Offset, to.Buffer.AsMemory(to.At, length), cancellationToken).ConfigureAwait(false);
                Open(pack, chunks, to);
                return;
            }
            catch (RepositoryException e) when (e.InnerException is RepositoryException { Code: RepositoryCodes.ObjectMissing })
            {
                // A prune may have rewritten it.
                move = await _moves.TryLoadAsync(pack, cancellationToken).ConfigureAwait(false);
                if (move is null)
                {
                    throw;
                }
            }
        }

        if (depth >= FormatConstants.MaxMoveDepth)
        {
            throw Damage.Of(ObjectNames.Move(move.Pack), "moves lead on without an end");
        }

        foreach ((ObjectId moved, ChunkEntry[] piece) in move.Translate(chunks))
        {
            await FetchAsync(moved, piece, to, depth + 1, cancellationToken).ConfigureAwait(false);
            to = new Destination(to.Buffer, to.At + piece.Sum(static c => c.FrameLength), to.Pieces[piece.Length..]);
        }
    }

    private void Open(ObjectId pack, ArraySegment<ChunkEntry> chunks, Destination to)
    {
        using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, pack);
        int at = to.At;
        for (int i = 0; i < chunks.Count; i++)
        {
            ChunkEntry chunk = chunks[i];
            Span<byte> frame = to.Buffer.AsSpan(at, chunk.FrameLength);
            if (!FrameHeader.TryRead(frame, FormatConstants.MaxChunk, out FrameHeader header)
                || header.RawLength != chunk.RawLength
                || header.FrameLength != chunk.FrameLength
                || header.Codec is not (FrameCodec.Raw or FrameCodec.Lz4))
            {
                throw At(pack, chunk, "has a wrong header");
            }

            // In place: the cipher text is not needed any more, and the tag stands behind it.
            if (!cipher.TryOpen(chunk.Frame, header, frame, frame.Slice(FormatConstants.FrameHeaderSize, header.PayloadLength)))
            {
                throw At(pack, chunk, "is not authentic");
            }

            to.Pieces.Span[i] = new CopiedPiece(header.Codec, chunk.RawLength, at + FormatConstants.FrameHeaderSize, header.PayloadLength, chunk.Hash);
            at += chunk.FrameLength;
        }
    }

    private static RepositoryException At(ObjectId pack, ChunkEntry chunk, string what) =>
        Damage.Of(ObjectNames.Pack(pack), string.Create(CultureInfo.InvariantCulture, $"frame {chunk.Frame} at {chunk.Offset} {what}"));

    /// <summary>Where the next chunks go.</summary>
    private readonly record struct Destination(byte[] Buffer, int At, Memory<CopiedPiece> Pieces);
}
