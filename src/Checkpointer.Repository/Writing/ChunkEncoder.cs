using K4os.Compression.LZ4;

namespace Checkpointer.Repository;

/// <summary>
/// Decides for each chunk between LZ4 and raw. One per worker; no allocation per chunk.
/// Incompressible data comes in runs (weights, encrypted heaps), so after a few failures most chunks are not tried.
/// </summary>
internal sealed class ChunkEncoder(TimeProvider time)
{
    /// <summary>A chunk that saves less than one part in this many is stored raw: decoding costs more than it saves.</summary>
    internal const int MinSaving = 20;

    /// <summary>Failures in a row that begin a streak.</summary>
    internal const int StreakStart = 4;

    /// <summary>
    /// Chunks (about 170 KiB) that a long streak leaves out before the next try. It begins with one and doubles, because memory changes its kind in short runs too;
    /// trying random bytes costs 0.2 CPU-seconds per GB (measured), so a long streak costs a tenth of that.
    /// </summary>
    internal const int MaxSkip = 8;

    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(LZ4Codec.MaximumOutputSize(FormatConstants.MaxChunk));
    private int _failures;
    private int _skip;

    /// <summary>Bytes of memory that one encoder holds.</summary>
    public static int MemoryBytes => LZ4Codec.MaximumOutputSize(FormatConstants.MaxChunk);

    /// <summary>Clock ticks spent in the compressor so far.</summary>
    public long Ticks { get; private set; }

    /// <summary>The chunk behind a compressed payload, in the scratch buffer until the next call; empty where it does not decompress.</summary>
    public ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> payload, int rawLength)
    {
        int length = LZ4Codec.Decode(payload, _scratch.AsSpan(0, rawLength));
        return _scratch.AsSpan(0, Math.Max(0, length));
    }

    /// <summary>The payload to seal: the chunk itself, or the scratch buffer until the next call.</summary>
    public ReadOnlySpan<byte> Encode(ReadOnlySpan<byte> chunk, out FrameCodec codec, scoped ref BlockTotals totals)
    {
        codec = FrameCodec.Raw;
        if (_skip > 0)
        {
            _skip--;
            return chunk;
        }

        totals.CompressionTried += chunk.Length;
        long start = time.GetTimestamp();
        int length = LZ4Codec.Encode(chunk, _scratch, LZ4Level.L00_FAST);
        Ticks += time.GetTimestamp() - start;
        if (length > 0 && length < chunk.Length - (chunk.Length / MinSaving))
        {
            _failures = 0;
            codec = FrameCodec.Lz4;
            return _scratch.AsSpan(0, length);
        }

        if (++_failures >= StreakStart)
        {
            _skip = Math.Min(MaxSkip, 1 << Math.Min(_failures - StreakStart, 10));
        }

        return chunk;
    }
}
