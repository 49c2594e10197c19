namespace Checkpointer.Engine.Criu;

/// <summary>Reads the fields of one protobuf message: numbers and byte strings, as far as CRIU's statistics need it.</summary>
internal ref struct ProtobufReader
{
    private const int LongestVarint = 10; // bytes

    private readonly int _length;
    private ReadOnlySpan<byte> _rest;

    public ProtobufReader(ReadOnlySpan<byte> message)
    {
        _rest = message;
        _length = message.Length;
    }

    /// <summary>Where in the message the last number stands.</summary>
    public Range LastVarint { get; private set; }

    /// <summary>The next field; false at the end, and at the first thing that is malformed.</summary>
    public bool Next(out int field, out ulong value, out ReadOnlySpan<byte> bytes)
    {
        field = 0;
        value = 0;
        bytes = [];
        if (!Varint(out ulong key) || key >> 3 is 0 or > int.MaxValue)
        {
            return false;
        }

        field = (int)(key >> 3);
        switch (key & 7)
        {
            case 0:
                return Varint(out value);
            case 1:
                return Take(8, out bytes);
            case 2:
                return Varint(out ulong length) && length <= (ulong)_rest.Length && Take((int)length, out bytes);
            case 5:
                return Take(4, out bytes);
            default:
                return false;
        }
    }

    private bool Varint(out ulong value)
    {
        value = 0;
        for (int i = 0; i < LongestVarint && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] < 0x80)
            {
                int start = _length - _rest.Length;
                LastVarint = start..(start + i + 1);
                _rest = _rest[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private bool Take(int length, out ReadOnlySpan<byte> bytes)
    {
        bytes = length <= _rest.Length ? _rest[..length] : [];
        bool whole = length <= _rest.Length;
        _rest = whole ? _rest[length..] : [];
        return whole;
    }
}
