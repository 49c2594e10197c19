using System.Buffers.Binary;

namespace Checkpointer.Engine.Criu;

/// <summary>CRIU's figures of one dump (<c>stats-dump</c>). CRIU keeps microseconds in 32 bits: they wrap after 71 minutes.</summary>
public sealed record DumpStats
{
    public TimeSpan Freezing { get; init; }

    /// <summary>From all tasks stopped until killed or resumed, the post-dump script included.</summary>
    public TimeSpan Frozen { get; init; }

    public TimeSpan MemoryDump { get; init; }

    public TimeSpan MemoryWrite { get; init; }

    public long PagesScanned { get; init; }

    public long PagesWritten { get; init; }

    public long SharedPagesScanned { get; init; }

    public long SharedPagesWritten { get; init; }
}

/// <summary>CRIU's figures of one restore (<c>stats-restore</c>).</summary>
public sealed record RestoreStats
{
    public TimeSpan Forking { get; init; }

    public TimeSpan Restore { get; init; }

    public long PagesCompared { get; init; }

    public long PagesSkippedCopyOnWrite { get; init; }

    public long PagesRestored { get; init; }
}

/// <summary>Reads CRIU's statistics files: two magic numbers, a length, one protobuf message of numbers in one sub-message.</summary>
public static class CriuStats
{
    private const uint ServiceMagic = 0x55105940;
    private const uint StatsMagic = 0x57093306;
    private const int HeaderBytes = 12;
    private const int MaximumBytes = 4096; // a real file has some 60 bytes
    private const int DumpField = 1;
    private const int RestoreField = 2;

    /// <summary>Reads <c>stats-dump</c>; null when CRIU left none (it writes it only after a success) or an unreadable one.</summary>
    public static DumpStats? ReadDump(string workDirectory)
    {
        return Read(Path.Combine(workDirectory, "stats-dump")) is { } bytes ? ParseDump(bytes) : null;
    }

    /// <summary>Reads <c>stats-restore</c>; null when CRIU left none, or an unreadable one.</summary>
    public static RestoreStats? ReadRestore(string workDirectory)
    {
        return Read(Path.Combine(workDirectory, "stats-restore")) is { } bytes ? ParseRestore(bytes) : null;
    }

    internal static DumpStats? ParseDump(ReadOnlySpan<byte> file)
    {
        return Numbers(file, DumpField) is not { } n ? null : new DumpStats
        {
            Freezing = Microseconds(n, 1),
            Frozen = Microseconds(n, 2),
            MemoryDump = Microseconds(n, 3),
            MemoryWrite = Microseconds(n, 4),
            PagesScanned = Value(n, 5),
            PagesWritten = Value(n, 7),
            SharedPagesScanned = Value(n, 12),
            SharedPagesWritten = Value(n, 14),
        };
    }

    internal static RestoreStats? ParseRestore(ReadOnlySpan<byte> file)
    {
        return Numbers(file, RestoreField) is not { } n ? null : new RestoreStats
        {
            PagesCompared = Value(n, 1),
            PagesSkippedCopyOnWrite = Value(n, 2),
            Forking = Microseconds(n, 3),
            Restore = Microseconds(n, 4),
            PagesRestored = Value(n, 5),
        };
    }

    private static byte[]? Read(string path)
    {
        FileInfo file = new(path);
        return file.Exists && file.Length is >= HeaderBytes and <= MaximumBytes ? File.ReadAllBytes(path) : null;
    }

    private static Dictionary<int, ulong>? Numbers(ReadOnlySpan<byte> file, int field)
    {
        if (file.Length < HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(file) != ServiceMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) != StatsMagic)
        {
            return null;
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        ReadOnlySpan<byte> message = file[HeaderBytes..];
        ProtobufReader outer = new(length <= message.Length ? message[..(int)length] : []);
        while (outer.Next(out int number, out ulong _, out ReadOnlySpan<byte> bytes))
        {
            if (number == field)
            {
                return All(bytes);
            }
        }

        return null;
    }

    private static Dictionary<int, ulong> All(ReadOnlySpan<byte> message)
    {
        Dictionary<int, ulong> numbers = [];
        ProtobufReader reader = new(message);
        while (reader.Next(out int number, out ulong value, out ReadOnlySpan<byte> _))
        {
            numbers[number] = value;
        }

        return numbers;
    }

    private static TimeSpan Microseconds(Dictionary<int, ulong> numbers, int field)
    {
        // More than CRIU's 32 bits is no time; a damaged file must not throw.
        return TimeSpan.FromMicroseconds(Math.Min(Value(numbers, field), uint.MaxValue));
    }

    private static long Value(Dictionary<int, ulong> numbers, int field)
    {
        return (long)Math.Min(numbers.GetValueOrDefault(field), long.MaxValue);
    }
}
