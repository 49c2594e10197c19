namespace Checkpointer.Engine.Criu;

/// <summary>
/// Edits CRIU's <c>tty-info.img</c> for a tree that was started from a terminal. CRIU records the terminal's session, and refuses to
/// restore an external terminal whose session leader is not in the image, even with <c>--shell-job</c>. Without a session the
/// terminal is simply handed over.
/// </summary>
public static class TtyInfoImage
{
    public const string FileName = "tty-info.img";

    /// <summary>Largest image that is edited, in bytes: an entry takes some 250.</summary>
    public const int MaximumBytes = 1 << 20;

    private const int SessionField = 6;
    private const int GroupField = 7;

    /// <summary>Sets session and group of every terminal to 0 whose session leader is not among <paramref name="inside"/>.</summary>
    /// <returns>The edited image, of the same length; the image itself where it is not understood, so that CRIU judges it.</returns>
    public static byte[] WithoutForeignSessions(ReadOnlySpan<byte> image, IReadOnlySet<int> inside) => ImageEntries.Edit(image, entry => Edit(entry, inside));

    private static void Edit(Span<byte> entry, IReadOnlySet<int> inside)
    {
        Range? session = null;
        Range? group = null;
        ulong leader = 0;
        ProtobufReader reader = new(entry);
        while (reader.Next(out int field, out ulong value, out _))
        {
            if (field == SessionField)
            {
                session = reader.LastVarint;
                leader = value;
            }
            else if (field == GroupField)
            {
                group = reader.LastVarint;
            }
        }

        if (leader == 0 || (leader <= int.MaxValue && inside.Contains((int)leader)))
        {
            return;
        }

        ImageEntries.Clear(entry, session);
        ImageEntries.Clear(entry, group);
    }
}
