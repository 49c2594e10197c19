using System.Buffers;
using System.Globalization;
using K4os.Compression.LZ4;

namespace Checkpointer.Repository;

/// <summary>
/// Fetches, authenticates and decompresses runs. At most <see cref="MaxConcurrent"/> at a time for a whole snapshot, each with a piece of memory of
/// <see cref="ReadBytes"/>, however many callers there are. A run is read in pieces of that size.
/// </summary>
internal sealed partial class RunDecoder(IBackend backend, KeyRing keys) : IDisposable
{
    /// <summary>Decodes at once: enough for the cores and to hide some of a remote store's latency.</summary>
    internal const int MaxConcurrent = 8;

    /// <summary>Bytes fetched at once; at least one frame.</summary>
    internal const int ReadBytes = 1 << 20;

    private readonly SemaphoreSlim _slots = new(MaxConcurrent);
    private readonly MoveStore _moves = new(backend, keys);

    /// <summary>Bytes that decoding takes at most, where no packs were rewritten; else up to <see cref="MoveStore.MaxMemory"/> more.</summary>
    public static long MemoryBytes => MaxConcurrent * (long)(ReadBytes + FormatConstants.MaxChunk);

    public async Task DecodeAsync(ChunkRun run, Memory<byte> destination, bool verifyHash, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Always on a pool thread: the caller may be a loop that must not spend its time here.
            await Task.Run(() => DecodeSlottedAsync(run, destination, verifyHash, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task DecodeSlottedAsync(ChunkRun run, Memory<byte> destination, bool verifyHash, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(ReadBytes, run.StoredLength));
        byte[] scratch = ArrayPool<byte>.Shared.Rent(FormatConstants.MaxChunk);
        try
        {
            Work work = new(buffer, scratch, verifyHash, cancellationToken);
            await DecodeFromAsync(run.Pack.Id, run.Chunks, destination, work, depth: 0).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Chunks that are adjacent in a pack, or in the pack that they were moved to.</summary>
    private async Task DecodeFromAsync(ObjectId pack, ArraySegment<ChunkEntry> left, Memory<byte> destination, Work work, int depth)
    {
        string name = ObjectNames.Pack(pack);
        PackMove? move = _moves.Known(pack);
        if (move is null)
        {
            using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, pack);
            while (left.Count > 0)
            {
                int count = 0;
                int bytes = 0;
                while (count < left.Count && bytes + left[count].FrameLength <= ReadBytes)
                {
                    bytes += left[count++].FrameLength;
                }

                try
                {
                    await MapReader.ReadExactlyAsync(backend, name, left[0].Offset, work.Buffer.AsMemory(0, bytes), work.Cancellation).ConfigureAwait(false);
                }
                catch (RepositoryException e) when (e.InnerException is RepositoryException { Code: RepositoryCodes.ObjectMissing })
                {
                    // A prune may have rewritten it, also while we were reading it.
                    move = await _moves.TryLoadAsync(pack, work.Cancellation).ConfigureAwait(false);
                    if (move is null)
                    {
                        throw;
                    }

                    break;
                }

                int done = Open(cipher, left[..count], work.Buffer.AsSpan(0, bytes), destination.Span, work.Scratch, work.VerifyHash, name);
                destination = destination[done..];
                left = left[count..];
            }
        }

        if (move is not null)
        {
            await DecodeMovedAsync(move, left, destination, work, depth).ConfigureAwait(false);
        }
    }

    private int Open(FrameCipher cipher, ArraySegment<ChunkEntry> chunks, ReadOnlySpan<byte> stored, Span<byte> destination, byte[] scratch, bool verifyHash, string name)
    {
        int done = 0;
        foreach (ChunkEntry chunk in chunks)
        {
            ReadOnlySpan<byte> frame = stored[..chunk.FrameLength];
            stored = stored[chunk.FrameLength..];
            Span<byte> raw = destination.Slice(done, chunk.RawLength);
            if (!FrameHeader.TryRead(frame, FormatConstants.MaxChunk, out FrameHeader header)
                || header.RawLength != chunk.RawLength
                || header.FrameLength != chunk.FrameLength
                || header.Codec is not (FrameCodec.Raw or FrameCodec.Lz4))
            {
                throw At(name, chunk, "has a wrong header");
            }

            Span<byte> payload = header.Codec == FrameCodec.Raw ? raw : scratch.AsSpan(0, header.PayloadLength);
            if (!cipher.TryOpen(chunk.Frame, header, frame, payload))
            {
                throw At(name, chunk, "is not authentic");
            }

            if (header.Codec == FrameCodec.Lz4 && LZ4Codec.Decode(payload, raw) != raw.Length)
            {
                throw At(name, chunk, "does not decompress");
            }

            if (verifyHash && System.IO.Hashing.XxHash128.HashToUInt128(raw, keys.ChunkHashSeed) != chunk.Hash)
            {
                throw At(name, chunk, "is not the chunk that the map names");
            }

            done += chunk.RawLength;
        }

        return done;
    }

    private static RepositoryException At(string name, ChunkEntry chunk, string what) =>
        Damage.Of(name, string.Create(CultureInfo.InvariantCulture, $"frame {chunk.Frame} at {chunk.Offset} {what}"));
}
