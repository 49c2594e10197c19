using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Checkpointer.Repository;

/// <summary>What the chunker knows of one page.</summary>
internal enum PageClass
{
    Plain,

    /// <summary>A cut follows, unless the page before is a mark too.</summary>
    Mark,

    /// <summary>All bytes are zero.</summary>
    Zero,
}

/// <summary>
/// Classifies pages by the rule of docs/format.md section 4. Only eight words of a page are sampled: the cut must depend on content, not on all of it,
/// and a chunk's bytes are hashed later anyway.
/// </summary>
internal static class PageScanner
{
    /// <summary>Bytes between sampled words: not a multiple of the cache line or of common record sizes, so that the samples differ in phase.</summary>
    internal const int SampleStride = 520;

    internal const int Samples = 8;
    internal const ulong HashStart = 0x9E3779B97F4A7C15;
    internal const ulong HashFactor = 0xBF58476D1CE4E5B9;
    internal const int HashRotate = 29;

    /// <summary>A whole page, or the shorter last one (never a mark).</summary>
    public static PageClass Classify(ReadOnlySpan<byte> page)
    {
        if (page.Length < FormatConstants.PageSize)
        {
            return page.ContainsAnyExcept((byte)0) ? PageClass.Plain : PageClass.Zero;
        }

        if (page[0] == 0 && !page.ContainsAnyExcept((byte)0))
        {
            return PageClass.Zero;
        }

        return IsMark(page) ? PageClass.Mark : PageClass.Plain;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsMark(ReadOnlySpan<byte> page)
    {
        // Sampled words are read as they lie in memory; the format says little-endian, and so are the machines that we run on.
        ulong hash = HashStart;
        for (int i = 0; i < Samples; i++)
        {
            ulong word = MemoryMarshal.Read<ulong>(page.Slice(i * SampleStride, sizeof(ulong)));
            hash = BitOperations.RotateLeft(hash ^ word, HashRotate) * HashFactor;
        }

        return ((hash ^ (hash << 32)) >> (64 - FormatConstants.CutBits)) == 0;
    }
}
