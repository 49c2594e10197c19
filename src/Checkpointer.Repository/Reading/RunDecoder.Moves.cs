namespace Checkpointer.Repository;

internal sealed partial class RunDecoder
{
    /// <summary>Reads chunks where a rewritten pack's frames are now: pieces of what the read would have been, one after the other in its buffer.</summary>
    private async Task FetchMovedAsync(PackMove move, PackRead read, Work work, int depth)
    {
        if (depth >= FormatConstants.MaxMoveDepth)
        {
            throw Damage.Of(ObjectNames.Move(move.Pack), "moves lead on without an end");
        }

        int at = 0;
        foreach ((ObjectId pack, ChunkEntry[] piece) in move.Translate(read.Targets.Select(static t => t.Chunk).ToArray()))
        {
            PackRead moved = new(pack, [.. piece.Select((chunk, i) => new ChunkTarget(chunk, read.Targets[at + i].Destination))]);
            at += piece.Length;
            await FetchAsync(moved, work, depth + 1).ConfigureAwait(false);
        }
    }

    /// <summary>What one read works with.</summary>
    private readonly record struct Work(Memory<byte> Buffer, bool VerifyHash, CancellationToken Cancellation);
}
