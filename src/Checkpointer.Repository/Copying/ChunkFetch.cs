using System.Buffers;
using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>Reads runs of stored chunks and opens their seals in place, without decompressing.</summary>
internal sealed class ChunkFetch(IBackend backend, KeyRing keys)
{
    private readonly MoveStore _moves = new(backend, keys);

    /// <summary>The payloads of a run of at most <see cref="SnapshotCopy.RunBytes"/>, in a rented array that the caller gives back.</summary>
    public async Task<(byte[] Buffer, CopiedPiece[] Pieces, string Pack)> FetchAsync(ChunkRun run, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Pack(run.Pack.Id);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(run.StoredLength);
        try
        {
            List<CopiedPiece> pieces = new(run.Chunks.Count);
            await FillAsync(run.Pack.Id, run.Chunks, buffer, 0, pieces, depth: 0, cancellationToken).ConfigureAwait(false);
            return (buffer, [.. pieces], name);
        }
        catch (Exception)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>Reads adjacent chunks into the buffer from an offset on, from where they are, or where a prune moved them to.</summary>
    private async Task<int> FillAsync(
        ObjectId pack, ArraySegment<ChunkEntry> chunks, byte[] buffer, int at, List<CopiedPiece> pieces, int depth, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Pack(pack);
        PackMove? move = _moves.Known(pack);
        if (move is null)
        {
            int length = chunks.Sum(c => c.FrameLength);
            try
            {
                await MapReader.ReadExactlyAsync(backend, name, chunks[0].Offset, buffer.AsMemory(at, length), cancellationToken).ConfigureAwait(false);
                Open(pack, chunks, buffer, at, pieces, name);
                return at + length;
            }
            catch (RepositoryException e) when (e.InnerException is RepositoryException { Code: RepositoryCodes.ObjectMissing })
            {
                move = await _moves.TryLoadAsync(pack, cancellationToken).ConfigureAwait(false);
                if (move is null)
                {
                    throw;
                }
            }
        }

        if (depth >= FormatConstants.MaxMoveDepth)
        {
            throw Damage.Of(ObjectNames.Move(pack), "moves lead on without an end");
        }

        foreach ((ObjectId target, ChunkEntry[] piece) in move.Translate(chunks))
        {
            at = await FillAsync(target, piece, buffer, at, pieces, depth + 1, cancellationToken).ConfigureAwait(false);
        }

        return at;
    }

    private void Open(ObjectId pack, ArraySegment<ChunkEntry> chunks, byte[] buffer, int at, List<CopiedPiece> pieces, string name)
    {
        using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, pack);
        foreach (ChunkEntry chunk in chunks)
        {
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

            pieces.Add(new CopiedPiece(header.Codec, chunk.RawLength, at + FormatConstants.FrameHeaderSize, header.PayloadLength, chunk.Hash));
            at += chunk.FrameLength;
        }
    }

    private static RepositoryException At(string name, ChunkEntry chunk, string what) =>
        Damage.Of(name, string.Create(CultureInfo.InvariantCulture, $"frame {chunk.Frame} at {chunk.Offset} {what}"));
}
