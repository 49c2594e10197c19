namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Reads parts of an entry out of bytes that may not be all there yet. After the first part that is short or wrong all further ones are
/// empty, so that a parser can read on and look once at its end.
/// </summary>
internal ref struct EntryCursor(ReadOnlyMemory<byte> bytes)
{
    private readonly ReadOnlyMemory<byte> _bytes = bytes;

    /// <summary>Bytes read.</summary>
    public int Position { get; private set; }

    /// <summary>More bytes are needed.</summary>
    public bool IsShort { get; private set; }

    /// <summary>What is wrong; null when nothing is.</summary>
    public string? Wrong { get; private set; }

    public readonly bool IsGood => !IsShort && Wrong is null;

    public void Fail(string wrong)
    {
        if (IsGood)
        {
            Wrong = wrong;
        }
    }

    public byte Byte()
    {
        var bytes = Bytes(1);
        return bytes.IsEmpty ? (byte)0 : bytes.Span[0];
    }

    /// <summary>A number of at most <paramref name="max"/>.</summary>
    public ulong Number(ulong max, string what)
    {
        if (!IsGood)
        {
            return 0;
        }

        var length = Varint.Read(_bytes.Span[Position..], out var value);
        if (length == 0)
        {
            IsShort = true;
            return 0;
        }

        if (length < 0 || value > max)
        {
            Wrong = what;
            return 0;
        }

        Position += length;
        return value;
    }

    /// <summary>A length of <paramref name="min"/> to <paramref name="max"/>, and so many bytes.</summary>
    public ReadOnlyMemory<byte> Text(int min, int max, string what)
    {
        var length = (int)Number((ulong)max, what);
        if (IsGood && length < min)
        {
            Wrong = what;
        }

        return Bytes(length);
    }

    private ReadOnlyMemory<byte> Bytes(int length)
    {
        if (!IsGood)
        {
            return default;
        }

        if (_bytes.Length - Position < length)
        {
            IsShort = true;
            return default;
        }

        var bytes = _bytes.Slice(Position, length);
        Position += length;
        return bytes;
    }
}
