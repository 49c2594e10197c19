namespace Checkpointer.Repository;

internal sealed partial class RunDecoder
{
    /// <summary>Reads chunks where a rewritten pack's frames are now: in as few pieces as they are adjacent there.</summary>
    private async Task DecodeMovedAsync(PackMove move, ArraySegment<ChunkEntry> left, Memory<byte> destination, Work work, int depth)
    {
        string name = ObjectNames.Move(move.Pack);
        if (depth >= FormatConstants.MaxMoveDepth)
        {
            throw Damage.Of(name, "moves lead on without an end");
        }

        while (left.Count > 0)
        {
            PackReference target = default;
            List<ChunkEntry> piece = [];
            int raw = 0;
            foreach (ChunkEntry chunk in left)
            {
                if (!move.TryFind(chunk.Offset, out (PackReference Pack, int Offset, int Frame) place))
                {
                    throw At(name, chunk, "was not moved, although its pack is gone");
                }

                if (piece.Count > 0 && (place.Pack.Id != target.Id || place.Offset != piece[^1].Offset + piece[^1].FrameLength))
                {
                    break;
                }

                target = place.Pack;
                piece.Add(chunk with { Offset = place.Offset, Frame = place.Frame });
                raw += chunk.RawLength;
            }

            await DecodeFromAsync(target.Id, piece.ToArray(), destination[..raw], work, depth + 1).ConfigureAwait(false);
            destination = destination[raw..];
            left = left[piece.Count..];
        }
    }

    /// <summary>What one decode works with.</summary>
    private readonly record struct Work(byte[] Buffer, byte[] Scratch, bool VerifyHash, CancellationToken Cancellation);
}
