namespace Checkpointer.Repository;

/// <summary>Manifests and markers: one sealed JSON text under a key of its own, bound to the name of the snapshot.</summary>
internal static class SealedDocument
{
    private const int PayloadAt = FormatConstants.ObjectHeaderSize;

    public static byte[] Make(KeyRing keys, ObjectKind kind, SnapshotId snapshot, ReadOnlySpan<byte> json)
    {
        ObjectId salt = ObjectId.New();
        byte[] data = new byte[FormatConstants.ObjectHeaderSize + FormatConstants.FrameOverhead + json.Length];
        ObjectHeader.Write(data, kind, salt);
        using FrameCipher cipher = keys.ForSnapshot(kind, snapshot, salt);
        cipher.Seal(0, new FrameHeader(FrameCodec.Raw, json.Length, json.Length), json, data.AsSpan(PayloadAt));
        return data;
    }

    /// <summary>The JSON. Codes repository-damaged and repository-too-new.</summary>
    public static byte[] Open(KeyRing keys, ObjectKind kind, SnapshotId snapshot, ReadOnlySpan<byte> data, int maxLength, string name)
    {
        ObjectId salt = ObjectHeader.Read(data, kind, name);
        ReadOnlySpan<byte> frame = data[PayloadAt..];
        if (!FrameHeader.TryRead(frame, maxLength, out FrameHeader header) || header.Codec != FrameCodec.Raw || header.FrameLength != frame.Length)
        {
            throw Damage.Of(name, "its length or frame header is wrong");
        }

        byte[] json = new byte[header.RawLength];
        using FrameCipher cipher = keys.ForSnapshot(kind, snapshot, salt);
        return cipher.TryOpen(0, header, frame, json) ? json : throw Damage.Of(name, "it is not authentic");
    }
}
