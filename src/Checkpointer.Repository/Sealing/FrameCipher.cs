using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>
/// Seals and opens the frames of one object. One thread at a time (the native cipher context has state), no allocation per frame.
/// The frame index is nonce and associated data, so a frame that was moved does not open.
/// </summary>
internal sealed class FrameCipher : IDisposable
{
    private const int IndexAt = 36;
    private const int HeaderAt = 44;

    private readonly AesGcm _aes;
    private readonly byte[] _associated;
    private readonly byte[] _nonce = new byte[FormatConstants.NonceSize];

    public FrameCipher(ReadOnlySpan<byte> key, ObjectId repository, ObjectKind kind, ObjectId id, ReadOnlySpan<byte> more)
    {
        _aes = new AesGcm(key, FormatConstants.TagSize);
        _associated = new byte[FormatConstants.AssociatedDataSize + more.Length];
        repository.Write(_associated);
        id.Write(_associated.AsSpan(16));
        BinaryPrimitives.WriteUInt16LittleEndian(_associated.AsSpan(32), (ushort)kind);
        BinaryPrimitives.WriteUInt16LittleEndian(_associated.AsSpan(34), FormatConstants.Version);
        more.CopyTo(_associated.AsSpan(FormatConstants.AssociatedDataSize));
    }

    /// <summary>Writes header, payload and tag into <paramref name="frame"/> (exactly the frame's length). An index must be sealed only once.</summary>
    public void Seal(long index, FrameHeader header, ReadOnlySpan<byte> payload, Span<byte> frame)
    {
        header.Write(frame);
        Prepare(index, frame);
        _aes.Encrypt(
            _nonce,
            payload,
            frame.Slice(FormatConstants.FrameHeaderSize, payload.Length),
            frame.Slice(FormatConstants.FrameHeaderSize + payload.Length, FormatConstants.TagSize),
            _associated);
    }

    /// <summary>Opens a whole frame whose header was read already. False: not authentic; the destination holds nothing of use.</summary>
    public bool TryOpen(long index, FrameHeader header, ReadOnlySpan<byte> frame, Span<byte> payload)
    {
        Prepare(index, frame);
        try
        {
            _aes.Decrypt(
                _nonce,
                frame.Slice(FormatConstants.FrameHeaderSize, header.PayloadLength),
                frame.Slice(FormatConstants.FrameHeaderSize + header.PayloadLength, FormatConstants.TagSize),
                payload,
                _associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _aes.Dispose();

    private void Prepare(long index, ReadOnlySpan<byte> frame)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_nonce.AsSpan(4), index);
        BinaryPrimitives.WriteInt64LittleEndian(_associated.AsSpan(IndexAt), index);
        frame[..FormatConstants.FrameHeaderSize].CopyTo(_associated.AsSpan(HeaderAt));
    }
}
