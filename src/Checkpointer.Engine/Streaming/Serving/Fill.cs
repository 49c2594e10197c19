using System.Buffers;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The next stretch of a file: runs that are decoded side by side into one buffer, with zero runs between them that need none.
/// Built by the file's cursor, decoded by the repository, handed over in order; the buffer goes back when its last piece was written.
/// </summary>
internal sealed class Fill(ServeBudget budget, FileAllowance allowance, FillBuffer buffer)
{
    // Runs per fill: bounds the bookkeeping for memory that alternates between zero and data.
    private const int MaxRuns = 256;

    private readonly List<(ImageRun Run, int Start)> _runs = [];
    private readonly List<Piece> _pieces = [];
    private int _used;
    private int _holders = 1;

    /// <summary>A stretch of the buffer, or of zeroes.</summary>
    private readonly record struct Piece(int Start, int Length, bool IsZero);

    /// <summary>Takes runs from the cursor while they fit. Returns the bytes of the file that this fill covers; 0 at the end.</summary>
    public async ValueTask<long> CollectAsync(IImageFile file, string name, long position, long length, CancellationToken cancellationToken)
    {
        long start = position;
        while (position < length && _runs.Count + _pieces.Count < MaxRuns)
        {
            int room = buffer.Memory.Length - _used;
            if (room < Math.Min(FileReader.MaxChunk, length - position))
            {
                break;
            }
            ImageRun run = await file.NextRunAsync(Math.Max(room, FileReader.MaxChunk), cancellationToken).ConfigureAwait(false) ?? default;
            if (run.Offset != position || run.RawLength <= 0 || run.RawLength > length - position || (!run.IsZero && run.RawLength > room))
            {
                throw new RepositoryException("repository-damaged", $"The map of {name} is inconsistent at byte {position} of {length}.");
            }
            Add(run);
            position += run.RawLength;
        }
        return position - start;
    }

    /// <summary>Its runs, and where they go: side by side in the buffer, whatever zeroes are between them in the file.</summary>
    public IEnumerable<ImageTarget> Targets(IImageFile file, int group) =>
        _runs.Select(r => new ImageTarget(file, r.Run, buffer.Memory.Slice(r.Start, r.Run.RawLength), group));

    /// <summary>The pieces in order, each to be disposed by its reader; then the caller calls <see cref="Release"/>.</summary>
    public IEnumerable<IMemoryOwner<byte>> Pieces()
    {
        foreach (Piece piece in _pieces)
        {
            if (!piece.IsZero)
            {
                Interlocked.Increment(ref _holders);
                yield return new DataPiece(this, buffer.Memory.Slice(piece.Start, piece.Length));
                continue;
            }
            for (int left = piece.Length; left > 0; left -= ZeroPiece.MaxLength)
            {
                yield return new ZeroPiece(Math.Min(left, ZeroPiece.MaxLength));
            }
        }
    }

    /// <summary>One holder less; the last one gives the buffer back.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            budget.Release(allowance, buffer);
        }
    }

    private void Add(ImageRun run)
    {
        if (run.IsZero)
        {
            _pieces.Add(new Piece(0, run.RawLength, true));
            return;
        }
        _runs.Add((run, _used));
        if (_pieces is [.., { IsZero: false } last])
        {
            _pieces[^1] = last with { Length = last.Length + run.RawLength };
        }
        else
        {
            _pieces.Add(new Piece(_used, run.RawLength, false));
        }
        _used += run.RawLength;
    }

    private sealed class DataPiece(Fill fill, Memory<byte> memory) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => memory;

        public void Dispose() => fill.Release();
    }
}
