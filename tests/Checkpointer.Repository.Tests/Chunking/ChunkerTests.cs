using CsCheck;

namespace Checkpointer.Repository.Tests;

public sealed class ChunkerTests
{
    private const int Page = FormatConstants.PageSize;

    // Pages of few distinct contents, so that marks, neighbouring marks, zero edges and forced cuts all occur.
    private static readonly Gen<byte[]> Pages =
        Gen.Select(Gen.Int[0, 5], Gen.Int[1, 90]).List[0, 12].Select(runs => (byte[])[.. runs.SelectMany(r => Run(r.Item1, r.Item2))]);

    [Fact]
    public void Pieces_cover_the_data_and_keep_the_bounds() => Pages.Select(Gen.Int[0, Page - 1]).Sample((pages, rest) =>
    {
        byte[] data = [.. pages, .. TestRepository.Random(rest, rest)];
        int at = 0;
        foreach (Piece piece in Cut(data))
        {
            Assert.Equal(at, piece.Offset);
            Assert.True(piece.Length > 0);
            Assert.Equal(piece.IsZero, !data.AsSpan(piece.Offset, piece.Length).ContainsAnyExcept((byte)0));
            Assert.True(piece.IsZero || piece.Length <= FormatConstants.MaxChunk);
            at += piece.Length;
        }

        Assert.Equal(data.Length, at);
    });

    [Fact]
    public void Cutting_block_by_block_gives_the_same_chunks_as_cutting_the_whole() =>
        Gen.Select(Pages, Gen.Int[1, 300].List[1, 20]).Sample((data, blocks) =>
        {
            List<(int, int)> whole = [.. Cut(data).Where(p => !p.IsZero).Select(p => (p.Offset, p.Length))];
            Assert.Equal(whole, CutInBlocks(data, blocks));
        });

    [Fact]
    public void What_is_carried_is_shorter_than_the_headroom_whatever_the_lengths() =>
        Gen.Select(Pages, Gen.Int[1, 200_000]).Sample((data, length) =>
        {
            bool mark = false;
            int cut = BlockCutter.LastCut(data.AsSpan(0, Math.Min(length, data.Length)), ref mark);
            int carried = Math.Min(length, data.Length) - cut;
            Assert.InRange(carried, 0, FormatConstants.MaxChunk - 1);
            Assert.Equal(0, cut % Page);
        });

    [Fact]
    public void Chunks_of_random_data_have_the_mean_of_the_format()
    {
        byte[] data = TestRepository.Random(64 << 20, 7);
        List<Piece> pieces = [.. Cut(data)];
        double mean = data.Length / (double)pieces.Count;
        Assert.InRange(mean, 20_000, 23_000);

        // A single page only where a natural cut happens to follow a forced one.
        Assert.All(
            pieces.Zip(pieces.Skip(1)).Where(p => p.Second.Length < FormatConstants.MinPages * Page),
            p => Assert.Equal(FormatConstants.MaxChunk, p.First.Length));
    }

    [Fact]
    public void Inserted_pages_shift_nothing_but_their_neighbours()
    {
        byte[] data = TestRepository.Random(16 << 20, 3);
        byte[] shifted = [.. data[..(5 * Page)], .. TestRepository.Random(1001 * Page, 4), .. data[(5 * Page)..]];
        Assert.True(Share(data, shifted, out long fresh) > 0.99);
        Assert.InRange(fresh, 1001 * Page, (1001 * Page) + (2 * FormatConstants.MaxChunk));
    }

    [Fact]
    public void Five_percent_changed_in_runs_of_64_KiB_costs_less_than_twelve_percent()
    {
        byte[] data = TestRepository.Random(64 << 20, 5);
        byte[] changed = [.. data];
        Random random = new(6);
        int runs = data.Length / 20 / (64 << 10);
        for (int i = 0; i < runs; i++)
        {
            random.NextBytes(changed.AsSpan(random.Next(data.Length / Page - 16) * Page, 64 << 10));
        }

        Share(data, changed, out long fresh);
        Assert.InRange(fresh / (double)data.Length, 0.04, 0.105);
    }

    internal static List<Piece> Cut(byte[] data)
    {
        List<Piece> pieces = [];
        Chunker chunker = new(previousIsMark: false);
        while (chunker.Next(data, out Piece piece))
        {
            pieces.Add(piece);
        }

        return pieces;
    }

    private static List<(int, int)> CutInBlocks(byte[] data, List<int> blocks)
    {
        List<(int, int)> chunks = [];
        bool mark = false;
        int start = 0;
        int end = 0;
        for (int i = 0; end < data.Length; i++)
        {
            end = Math.Min(data.Length, end + (blocks[i % blocks.Count] * Page));
            bool before = mark;
            int cut = BlockCutter.LastCut(data.AsSpan(start, end - start), ref mark);
            Collect(data.AsSpan(start, cut), before, start);
            start += cut;
        }

        Collect(data.AsSpan(start), mark, start);
        return chunks;

        void Collect(ReadOnlySpan<byte> part, bool before, int offset)
        {
            Chunker chunker = new(before);
            while (chunker.Next(part, out Piece piece))
            {
                if (!piece.IsZero)
                {
                    chunks.Add((offset + piece.Offset, piece.Length));
                }
            }
        }
    }

    private static double Share(byte[] old, byte[] now, out long fresh)
    {
        HashSet<UInt128> known = [.. Cut(old).Select(p => System.IO.Hashing.XxHash128.HashToUInt128(old.AsSpan(p.Offset, p.Length)))];
        fresh = Cut(now).Where(p => !known.Contains(System.IO.Hashing.XxHash128.HashToUInt128(now.AsSpan(p.Offset, p.Length)))).Sum(p => (long)p.Length);
        return (now.Length - fresh) / (double)old.Length;
    }

    private static IEnumerable<byte> Run(int kind, int pages) => kind switch
    {
        0 => new byte[pages * Page],
        1 => TestRepository.Random(pages * Page, pages),
        _ => Enumerable.Repeat(TestRepository.Random(Page, kind), pages).SelectMany(p => p),
    };
}
