using System.Buffers;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Gives the contents of files from the beginning to the end, and fetches and decodes ahead of what is asked for. Zeroes are not written:
/// in a new file they are holes.
/// </summary>
internal sealed class ContentReader(FileReader file) : IAsyncDisposable
{
    /// <summary>Pieces that are fetched ahead: enough for the cores to decode while one is written.</summary>
    private const int Ahead = 4;

    /// <summary>Bytes of a piece.</summary>
    private const int PieceSize = 1 << 20;

    private readonly Queue<Piece> _ahead = new();
    private Piece? _current;
    private int _taken;
    private bool _ended;

    /// <summary>Bytes of memory that reading takes, beyond the decoder's.</summary>
    public static long MemoryBytes => (Ahead + 1) * (long)PieceSize;

    /// <summary>Takes the next bytes, and writes them to a file at an offset; to none, they are passed over.</summary>
    /// <returns>False when the content ends before.</returns>
    public async ValueTask<bool> CopyAsync(SafeFileHandle? target, long offset, long length, CancellationToken cancellationToken)
    {
        while (length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!await AdvanceAsync(cancellationToken).ConfigureAwait(false))
            {
                return false;
            }

            var piece = _current!;
            var taken = (int)Math.Min(length, piece.Length - _taken);
            if (target is not null && piece.Buffer is { } buffer)
            {
                Contents.Write(target, buffer.AsSpan(_taken, taken), offset);
            }

            _taken += taken;
            offset += taken;
            length -= taken;
        }

        return true;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GiveBack(_current);
        _current = null;
        while (_ahead.TryDequeue(out var piece))
        {
            // The decoder may still write into the buffer; what became of it no longer matters to anybody.
            await piece.Decoded.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            GiveBack(piece);
        }

        file.Dispose();
    }

    private static void GiveBack(Piece? piece)
    {
        if (piece?.Buffer is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<bool> AdvanceAsync(CancellationToken cancellationToken)
    {
        while (_current is null || _taken == _current.Length)
        {
            while (!_ended && _ahead.Count < Ahead)
            {
                await FetchAsync(cancellationToken).ConfigureAwait(false);
            }

            if (!_ahead.TryPeek(out var next))
            {
                return false;
            }

            // Only then out of the queue: when it fails, disposing still waits for it.
            await next.Decoded.ConfigureAwait(false);
            _ahead.Dequeue();
            GiveBack(_current);
            _current = next;
            _taken = 0;
        }

        return true;
    }

    private async ValueTask FetchAsync(CancellationToken cancellationToken)
    {
        if (await file.NextRunAsync(PieceSize, cancellationToken).ConfigureAwait(false) is not { } run)
        {
            _ended = true;
            return;
        }

        if (run.IsZero)
        {
            _ahead.Enqueue(new Piece(null, run.RawLength, Task.CompletedTask));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(run.RawLength);
        _ahead.Enqueue(new Piece(buffer, run.RawLength, file.DecodeAsync(run, buffer, cancellationToken)));
    }

    /// <summary>A run of the content; without a buffer it is zeroes.</summary>
    private sealed record Piece(byte[]? Buffer, int Length, Task Decoded);
}
