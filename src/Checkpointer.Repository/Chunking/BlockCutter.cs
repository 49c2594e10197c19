namespace Checkpointer.Repository;

/// <summary>
/// Finds the last cut in a block by looking backwards from its end, about five pages on average, so that the thread that appends blocks stays cheap and
/// the block before the cut can be chunked by any worker. What follows the cut is carried into the next block.
/// </summary>
internal static class BlockCutter
{
    /// <summary>
    /// The offset of the last cut in <paramref name="data"/>, which starts at a cut itself; what follows is always shorter than a chunk may be.
    /// <paramref name="previousIsMark"/> is the class of the page before the data, and on return that of the page before the cut.
    /// </summary>
    public static int LastCut(ReadOnlySpan<byte> data, ref bool previousIsMark)
    {
        int pages = data.Length / FormatConstants.PageSize;
        bool before = previousIsMark;
        int cut = 0;
        bool cutIsMark = before;
        PageClass next = PageClass.Plain;
        bool nextKnown = false;
        for (int p = pages - 1; p >= 0; p--)
        {
            PageClass page = Classify(data, p);
            bool zeroEdge = page == PageClass.Zero || (nextKnown && next == PageClass.Zero);
            if (zeroEdge || (page == PageClass.Mark && !IsMarkAt(data, p - 1, before)))
            {
                cut = p + 1;
                cutIsMark = page == PageClass.Mark;
                break;
            }

            next = page;
            nextKnown = true;
        }

        // No natural cut for so long: the forced ones count from the last natural one.
        int forced = (pages - cut) / FormatConstants.MaxPages * FormatConstants.MaxPages;
        if (forced > 0)
        {
            cut += forced;
            cutIsMark = Classify(data, cut - 1) == PageClass.Mark;
        }

        previousIsMark = cutIsMark;
        return cut * FormatConstants.PageSize;
    }

    private static bool IsMarkAt(ReadOnlySpan<byte> data, int page, bool before) =>
        page < 0 ? before : Classify(data, page) == PageClass.Mark;

    private static PageClass Classify(ReadOnlySpan<byte> data, int page) =>
        PageScanner.Classify(data.Slice(page * FormatConstants.PageSize, FormatConstants.PageSize));
}
