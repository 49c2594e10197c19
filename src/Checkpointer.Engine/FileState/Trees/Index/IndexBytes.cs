using Checkpointer.Repository;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>The bytes of an index as a window that moves along; never larger than the largest entry and two chunks.</summary>
internal sealed class IndexBytes(FileReader file) : IDisposable
{
    private byte[] _buffer = new byte[2 * FileReader.MaxChunk];
    private int _start;
    private int _end;
    private int _zeroes;

    /// <summary>What has been read and not yet consumed; valid until more is read.</summary>
    public ReadOnlyMemory<byte> Available => _buffer.AsMemory(_start, _end - _start);

    /// <summary>More than the largest entry is there: asking for more would be without end.</summary>
    public bool IsFull => _end - _start > FileTreeLimits.MaxEntryBytes;

    public void Consume(int bytes) => _start += bytes;

    /// <summary>Reads on; false at the end of the file.</summary>
    public async ValueTask<bool> MoreAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        if (_zeroes == 0)
        {
            if (await file.NextRunAsync(FileReader.MaxChunk, cancellationToken).ConfigureAwait(false) is not { } run)
            {
                return false;
            }

            if (!run.IsZero)
            {
                await file.DecodeAsync(run, _buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
                _end += run.RawLength;
                return true;
            }

            _zeroes = run.RawLength;
        }

        // A run of zeroes may be far longer than the window.
        var taken = Math.Min(_zeroes, FileReader.MaxChunk);
        _buffer.AsSpan(_end, taken).Clear();
        _end += taken;
        _zeroes -= taken;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private void MakeRoom()
    {
        var unread = _buffer.AsSpan(_start, _end - _start);
        if (_buffer.Length - unread.Length < FileReader.MaxChunk)
        {
            var larger = new byte[_buffer.Length * 2];
            unread.CopyTo(larger);
            _buffer = larger;
        }
        else
        {
            unread.CopyTo(_buffer);
        }

        _end -= _start;
        _start = 0;
    }
}
