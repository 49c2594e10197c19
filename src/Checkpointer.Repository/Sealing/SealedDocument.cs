namespace Checkpointer.Repository;

/// <summary>
/// Objects of one sealed text under a key of its own, bound to their name: manifests and markers by the snapshot and a salt, the others by their id.
/// </summary>
internal static class SealedDocument
{
    private const int PayloadAt = FormatConstants.ObjectHeaderSize;

    public static byte[] Make(KeyRing keys, ObjectKind kind, SnapshotId snapshot, ReadOnlySpan<byte> json)
    {
        ObjectId salt = ObjectId.New();
        using FrameCipher cipher = keys.ForSnapshot(kind, snapshot, salt);
        return Make(cipher, kind, salt, json);
    }

    /// <summary>For an object whose id is fresh and random, and sealed only once.</summary>
    public static byte[] Make(KeyRing keys, ObjectKind kind, ObjectId id, ReadOnlySpan<byte> text)
    {
        using FrameCipher cipher = keys.ForObject(kind, id);
        return Make(cipher, kind, id, text);
    }

    /// <summary>The JSON. Codes repository-damaged and repository-too-new.</summary>
    public static byte[] Open(KeyRing keys, ObjectKind kind, SnapshotId snapshot, ReadOnlySpan<byte> data, int maxLength, string name)
    {
        ObjectId salt = ObjectHeader.Read(data, kind, name);
        using FrameCipher cipher = keys.ForSnapshot(kind, snapshot, salt);
        return Open(cipher, data, maxLength, name);
    }

    /// <summary>As the other, for an object that is bound to its id.</summary>
    public static byte[] Open(KeyRing keys, ObjectKind kind, ObjectId id, ReadOnlySpan<byte> data, int maxLength, string name)
    {
        if (ObjectHeader.Read(data, kind, name) != id)
        {
            throw Damage.Of(name, "it has another id than its name says");
        }

        using FrameCipher cipher = keys.ForObject(kind, id);
        return Open(cipher, data, maxLength, name);
    }

    /// <summary>The move of one pack.</summary>
    public static byte[] MakeMove(KeyRing keys, ObjectId pack, ReadOnlySpan<byte> text)
    {
        ObjectId salt = ObjectId.New();
        using FrameCipher cipher = keys.ForMove(pack, salt);
        return Make(cipher, ObjectKind.Move, salt, text);
    }

    /// <summary>Codes repository-damaged and repository-too-new.</summary>
    public static byte[] OpenMove(KeyRing keys, ObjectId pack, ReadOnlySpan<byte> data, string name)
    {
        using FrameCipher cipher = keys.ForMove(pack, ObjectHeader.Read(data, ObjectKind.Move, name));
        return Open(cipher, data, FormatConstants.MaxMove, name);
    }

    /// <summary>Bytes of an object with a text of that length.</summary>
    public static int ObjectLength(int text) => FormatConstants.ObjectHeaderSize + FormatConstants.FrameOverhead + text;

    private static byte[] Make(FrameCipher cipher, ObjectKind kind, ObjectId id, ReadOnlySpan<byte> text)
    {
        byte[] data = new byte[ObjectLength(text.Length)];
        ObjectHeader.Write(data, kind, id);
        cipher.Seal(0, new FrameHeader(FrameCodec.Raw, text.Length, text.Length), text, data.AsSpan(PayloadAt));
        return data;
    }

    private static byte[] Open(FrameCipher cipher, ReadOnlySpan<byte> data, int maxLength, string name)
    {
        ReadOnlySpan<byte> frame = data[PayloadAt..];
        if (!FrameHeader.TryRead(frame, maxLength, out FrameHeader header) || header.Codec != FrameCodec.Raw || header.FrameLength != frame.Length)
        {
            throw Damage.Of(name, "its length or frame header is wrong");
        }

        byte[] json = new byte[header.RawLength];
        return cipher.TryOpen(0, header, frame, json) ? json : throw Damage.Of(name, "it is not authentic");
    }
}
