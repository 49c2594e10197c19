using System.Buffers;

namespace Checkpointer.Engine.Streaming;

/// <summary>Zeroes to be written: every piece shows the same memory, which stays in the cache.</summary>
internal sealed class ZeroPiece(int length) : IMemoryOwner<byte>
{
    /// <summary>Bytes of one piece; a longer run is several.</summary>
    public const int MaxLength = 256 << 10;

    private static readonly byte[] Zeroes = GC.AllocateArray<byte>(MaxLength, pinned: true);

    public Memory<byte> Memory => Zeroes.AsMemory(0, length);

    public void Dispose()
    {
        // Shared; never given back.
    }
}
