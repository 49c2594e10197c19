using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>Names the succession of snapshots of one workload: 128 random bits, written as 32 lower-case hex digits.</summary>
public readonly record struct LineageId
{
    internal const int TextLength = 32;

    private readonly UInt128 _value;

    private LineageId(UInt128 value) => _value = value;

    /// <summary>A fresh random id.</summary>
    public static LineageId New()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return new LineageId(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>Reads exactly 32 lower-case hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out LineageId id)
    {
        bool ok = HexText.TryParse(text, out UInt128 value);
        id = new LineageId(value);
        return ok;
    }

    /// <summary>As <see cref="TryParse"/>; throws <see cref="FormatException"/>.</summary>
    public static LineageId Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out LineageId id) ? id : throw new FormatException($"'{text}' is not a lineage id (32 hex digits)");

    /// <inheritdoc/>
    public override string ToString() => _value.ToString("x32", CultureInfo.InvariantCulture);

    internal void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, _value);
}
