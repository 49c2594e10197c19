using System.Buffers;
using System.IO.Pipelines;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The memory pool behind a <see cref="Pipe"/> that carries decoded pieces without a copy: when the pipe rents its next segment it gets the piece
/// that was just offered, already filled. The pipe disposes the piece when its reader has consumed it.
/// </summary>
internal sealed class HandOverPool : MemoryPool<byte>
{
    private IMemoryOwner<byte>? _offered;

    public override int MaxBufferSize => int.MaxValue;

    /// <summary>Puts the piece into the pipe. The pipe's writer side has one user.</summary>
    public void Write(PipeWriter writer, IMemoryOwner<byte> piece)
    {
        int length = piece.Memory.Length;
        _offered = piece;
        // The previous segment is full to its last byte, so the pipe must rent a new one.
        writer.GetMemory(1);
        writer.Advance(length);
    }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        IMemoryOwner<byte> piece = _offered ?? throw new InvalidOperationException("The pipe asked for memory, but no piece was offered.");
        _offered = null;
        return piece;
    }

    protected override void Dispose(bool disposing)
    {
        // Pieces belong to the pipe and, behind it, to the budget.
    }
}
