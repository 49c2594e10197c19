namespace Checkpointer.Repository;

/// <summary>A piece of a buffer: a chunk to store, or zeroes (then it may be longer than a chunk).</summary>
internal readonly record struct Piece(int Offset, int Length, bool IsZero);

/// <summary>
/// Cuts a buffer that starts at a cut into pieces, one after the other, so that a chunk is stored while it is warm in the cache.
/// A mutable struct: kept in a local, passed by reference.
/// </summary>
internal struct Chunker
{
    private int _position;
    private PageClass _previous;

    /// <param name="previousIsMark">The class of the page before the buffer: a cut rule looks one page back.</param>
    public Chunker(bool previousIsMark)
    {
        _position = 0;
        _previous = previousIsMark ? PageClass.Mark : PageClass.Plain;
    }

    /// <summary>The next piece of <paramref name="data"/> (the same in every call); false at its end.</summary>
    public bool Next(ReadOnlySpan<byte> data, out Piece piece)
    {
        int start = _position;
        if (start >= data.Length)
        {
            piece = default;
            return false;
        }

        int at = start;
        bool zero = false;
        while (at < data.Length)
        {
            int length = Math.Min(FormatConstants.PageSize, data.Length - at);
            PageClass page = PageScanner.Classify(data.Slice(at, length));
            if (at == start)
            {
                zero = page == PageClass.Zero;
            }
            else if (zero != (page == PageClass.Zero))
            {
                break;
            }

            bool cut = page == PageClass.Mark && _previous != PageClass.Mark;
            _previous = page;
            at += length;
            if (!zero && (cut || at - start >= FormatConstants.MaxChunk))
            {
                break;
            }
        }

        _position = at;
        piece = new Piece(start, at - start, zero);
        return true;
    }
}
