using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>The id of a repository, pack or map: 128 random bits, never reused, written as 32 lower-case hex digits.</summary>
internal readonly record struct ObjectId(UInt128 Value)
{
    public const int Size = 16;

    public static ObjectId New()
    {
        Span<byte> bytes = stackalloc byte[Size];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    public static ObjectId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    public static bool TryParse(ReadOnlySpan<char> text, out ObjectId id)
    {
        bool ok = HexText.TryParse(text, out UInt128 value);
        id = new ObjectId(value);
        return ok;
    }

    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
