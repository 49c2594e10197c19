using System.Buffers;
using System.Globalization;
using K4os.Compression.LZ4;

namespace Checkpointer.Repository;

/// <summary>
/// Fetches, authenticates and decompresses runs: as few ranged reads as the store's distance makes sensible (<see cref="ReadPlan"/>), many of them on their way
/// (<see cref="ReadWindow"/>), each into a buffer that is counted (<see cref="ReadBuffers"/>), however many callers there are.
/// </summary>
internal sealed partial class RunDecoder(IBackend backend, KeyRing keys, ReadWindow window)
{
    /// <summary>Bytes fetched at once; at least one frame.</summary>
    internal const int ReadBytes = 1 << 20;

    private readonly MoveStore _moves = new(backend, keys);
    private readonly ReadCounters _counters = new();

    /// <summary>Bytes that decoding takes at most beside lent buffers, where no packs were rewritten; else up to <see cref="MoveStore.MaxMemory"/> more.</summary>
    public static long MemoryBytes => ReadBuffers.Own * (long)(ReadBytes + FormatConstants.MaxChunk);

    public ReadBuffers Buffers { get; } = new(window);

    public ReadStatistics Statistics => _counters.Sum;

    public Task DecodeAsync(ChunkRun run, Memory<byte> destination, bool verifyHash, CancellationToken cancellationToken) =>
        Start([new RunTarget(run, destination)], 1, verifyHash, cancellationToken)[0];

    /// <summary>
    /// Starts reading; the reads are asked for in the order of the targets. One task for each group: it ends when nothing writes into the group's memory any more, also
    /// when it fails or is cancelled. One that fails ends all that was started with it.
    /// </summary>
    public Task[] Start(IReadOnlyList<RunTarget> targets, int groups, bool verifyHash, CancellationToken cancellationToken)
    {
        List<Task>[] parts = new List<Task>[groups];
        for (int i = 0; i < groups; i++)
        {
            parts[i] = [];
        }

        List<PackRead> reads = ReadPlan.Make(targets, window.MaxGap, ReadBytes);
        JointStop stop = new(reads.Count, cancellationToken);
        foreach (PackRead read in reads)
        {
            Task task = stop.RunAsync(token => ReadAsync(read, verifyHash, token));
            foreach (int group in read.Groups)
            {
                parts[group].Add(task);
            }
        }

        return Array.ConvertAll(parts, Task.WhenAll);
    }

    private async Task ReadAsync(PackRead read, bool verifyHash, CancellationToken cancellationToken)
    {
        using ReadBuffers.ReadBuffer buffer = await Buffers.RentAsync(cancellationToken).ConfigureAwait(false);

        // Always on a pool thread: the caller may be a loop that must not spend its time here.
        await Task.Run(() => FetchAsync(read, new Work(buffer.Memory, verifyHash, cancellationToken), depth: 0), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Chunks that are near each other in a pack, or where that was moved to.</summary>
    private async Task FetchAsync(PackRead read, Work work, int depth)
    {
        PackMove? move = _moves.Known(read.Pack);
        if (move is null)
        {
            string name = ObjectNames.Pack(read.Pack);
            try
            {
                long start = window.Start();
                await MapReader.ReadExactlyAsync(backend, name, read.Start, work.Buffer[..read.Length], work.Cancellation, isSealed: true).ConfigureAwait(false);
                window.End(start);
                await OpenOrReadAgainAsync(read, work, name).ConfigureAwait(false);
                return;
            }
            catch (RepositoryException e) when (e.InnerException is RepositoryException { Code: RepositoryCodes.ObjectMissing })
            {
                // A prune may have rewritten it, also while we were reading it.
                move = await _moves.TryLoadAsync(read.Pack, work.Cancellation).ConfigureAwait(false);
                if (move is null)
                {
                    throw;
                }
            }
        }

        await FetchMovedAsync(move, read, work, depth).ConfigureAwait(false);
    }

    /// <summary>A transfer that nobody verified may have changed bytes: only what is wrong in a verified one is damage.</summary>
    private async Task OpenOrReadAgainAsync(PackRead read, Work work, string name)
    {
        Memory<byte> stored = work.Buffer[..read.Length];
        _counters.Add(read);
        try
        {
            Open(read, stored.Span, work.VerifyHash, name);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.Damaged)
        {
            await MapReader.ReadExactlyAsync(backend, name, read.Start, stored, work.Cancellation).ConfigureAwait(false);
            _counters.Add(read);
            Open(read, stored.Span, work.VerifyHash, name);
        }
    }

    private void Open(PackRead read, ReadOnlySpan<byte> stored, bool verifyHash, string name)
    {
        byte[] scratch = ArrayPool<byte>.Shared.Rent(FormatConstants.MaxChunk);
        try
        {
            using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, read.Pack);
            ChunkTarget previous = default;
            foreach (ChunkTarget target in read.Targets)
            {
                if (target.Chunk == previous.Chunk)
                {
                    previous.Destination.CopyTo(target.Destination);
                    continue;
                }

                ReadOnlySpan<byte> frame = stored.Slice(target.Chunk.Offset - read.Start, target.Chunk.FrameLength);
                Open(cipher, target.Chunk, frame, target.Destination.Span, scratch, verifyHash, name);
                previous = target;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private void Open(FrameCipher cipher, ChunkEntry chunk, ReadOnlySpan<byte> frame, Span<byte> raw, byte[] scratch, bool verifyHash, string name)
    {
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
    }

    private static RepositoryException At(string name, ChunkEntry chunk, string what) =>
        Damage.Of(name, string.Create(CultureInfo.InvariantCulture, $"frame {chunk.Frame} at {chunk.Offset} {what}"));
}
