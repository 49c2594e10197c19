namespace Checkpointer.Engine.Criu;

/// <summary>
/// Edits CRIU's <c>files.img</c> for periodic timerfds that had expired and were not read when the tree was frozen. The kernel shows no time left
/// for them, CRIU sets them to exactly that, and a timer set to 0 is a stopped one: the program would wait for it forever. They get one
/// nanosecond, and expire at once, as they had.
/// </summary>
public static class TimerImage
{
    public const string FileName = "files.img";

    /// <summary>Largest image that is edited, in bytes: an open file takes some 100.</summary>
    public const int MaximumBytes = 64 << 20;

    private const int TimerField = 12;
    private const int SecondsField = 7;
    private const int NanosecondsField = 8;
    private const int IntervalSecondsField = 9;
    private const int IntervalNanosecondsField = 10;

    /// <summary>The edited image, of the same length; whatever is not understood stays as it is, so that CRIU judges it.</summary>
    public static byte[] WithExpiredTimersArmed(ReadOnlySpan<byte> image) => ImageEntries.Edit(image, EditFile);

    private static void EditFile(Span<byte> file)
    {
        ProtobufReader reader = new(file);
        while (reader.Next(out int field, out _, out ReadOnlySpan<byte> bytes))
        {
            if (field == TimerField && bytes.Length > 0)
            {
                // The last number was the length: what it counts follows.
                EditTimer(file.Slice(reader.LastVarint.End.Value, bytes.Length));
            }
        }
    }

    private static void EditTimer(Span<byte> timer)
    {
        ulong left = 0;
        ulong interval = 0;
        Range? nanoseconds = null;
        ProtobufReader reader = new(timer);
        while (reader.Next(out int field, out ulong value, out _))
        {
            switch (field)
            {
                case SecondsField:
                    left |= value;
                    break;
                case NanosecondsField:
                    left |= value;
                    nanoseconds = reader.LastVarint;
                    break;
                case IntervalSecondsField or IntervalNanosecondsField:
                    interval |= value;
                    break;
            }
        }

        if (left == 0 && interval != 0 && nanoseconds is { } range)
        {
            Span<byte> bytes = timer[range];
            bytes[0] |= 1;
        }
    }
}
