namespace Checkpointer.Repository;

internal sealed partial class RunDecoder
{
    /// <summary>Reads chunks where a rewritten pack's frames are now.</summary>
    private async Task DecodeMovedAsync(PackMove move, ArraySegment<ChunkEntry> left, Memory<byte> destination, Work work, int depth)
    {
        if (depth >= FormatConstants.MaxMoveDepth)
        {
            throw Damage.Of(ObjectNames.Move(move.Pack), "moves lead on without an end");
        }

        foreach ((ObjectId pack, ChunkEntry[] piece) in move.Translate(left))
        {
            int raw = piece.Sum(c => c.RawLength);
            await DecodeFromAsync(pack, piece, destination[..raw], work, depth + 1).ConfigureAwait(false);
            destination = destination[raw..];
        }
    }

    /// <summary>What one decode works with.</summary>
    private readonly record struct Work(byte[] Buffer, byte[] Scratch, bool VerifyHash, CancellationToken Cancellation);
}
