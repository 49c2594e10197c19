using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Collects the contents of files in full blocks of the pool: each stretch of data begins at a page, and what its last page has left is
/// zeroes. <c>read</c> is told of bytes as they come.
/// </summary>
internal sealed class ContentWriter(FileWriter file, BlockPool pool, Action<long> read) : IDisposable
{
    private Block? _block;

    /// <summary>Bytes taken, without padding.</summary>
    public long Bytes { get; private set; }

    /// <summary>Reads a stretch of a file; the answer is what was there of it.</summary>
    public long Copy(SafeFileHandle source, long offset, long length, CancellationToken cancellationToken)
    {
        long copied = 0;
        while (copied < length)
        {
            var block = _block ??= pool.Rent(cancellationToken);
            var room = BlockPool.BlockSize - block.Length;
            var wanted = (int)Math.Min(room, length - copied);
            var got = Contents.Read(source, block.Span.Slice(block.Length, wanted), offset + copied);
            block.Length += got;
            copied += got;
            Bytes += got;
            read(got);
            HandOnFull();
            if (got < wanted)
            {
                break;
            }

            cancellationToken.ThrowIfCancellationRequested();
        }

        Align();
        return copied;
    }

    public void Complete()
    {
        if (_block is { Length: > 0 } block)
        {
            _block = null;
            file.Append(block);
        }

        file.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _block?.Dispose();
        _block = null;
    }

    private void Align()
    {
        if (_block is { } block && block.Length % FileTreeLimits.Page is var odd and > 0)
        {
            var padding = FileTreeLimits.Page - odd;
            block.Span.Slice(block.Length, padding).Clear();
            block.Length += padding;
            HandOnFull();
        }
    }

    private void HandOnFull()
    {
        if (_block is { Length: BlockPool.BlockSize } block)
        {
            _block = null;
            file.Append(block);
        }
    }
}
