using Checkpointer.Repository;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>The parts of an index, and what must hold between them.</summary>
internal sealed partial class FileTreeIndexReader
{
    private bool TryReadHead()
    {
        EntryCursor cursor = new(_bytes.Available);
        foreach (var expected in FileTreeFormat.Magic)
        {
            if (cursor.Byte() != expected)
            {
                cursor.Fail("another format");
            }
        }

        var version = cursor.Byte();
        if (cursor.IsGood && version != FileTreeFormat.Version)
        {
            throw new RepositoryException(
                RepositoryCodes.TooNew,
                $"The file tree of {_record.MountPoint} has the format {version}; this checkpointer knows {FileTreeFormat.Version}.",
                "Restore it with the version that made it, or a newer one.")
            {
                ObjectName = _record.Index,
            };
        }

        if (cursor.Byte() != (byte)_record.Kind)
        {
            cursor.Fail("another kind of tree");
        }

        List<byte[]> patterns = [];
        var count = (int)cursor.Number(FileTreeLimits.MaxPatterns, "the number of patterns");
        for (var i = 0; i < count && cursor.IsGood; i++)
        {
            patterns.Add(cursor.Text(1, FileTreeLimits.MaxPattern, "a pattern").ToArray());
        }

        if (!IsWhole(cursor))
        {
            return false;
        }

        Patterns = FileTreePatterns.TryRead(patterns, out _) ?? throw Damaged("a pattern that is none");
        return true;
    }

    private bool TryReadEntry()
    {
        EntryCursor cursor = new(_bytes.Available);
        EntryParser.Read(ref cursor, Entry, isRoot: !_begun);
        return IsWhole(cursor);
    }

    private bool TryReadTail()
    {
        EntryCursor cursor = new(_bytes.Available);
        var entries = cursor.Number(FileTreeLimits.MaxEntries, "the number of entries");
        if (!IsWhole(cursor))
        {
            return false;
        }

        if ((long)entries != _entries || _entries != _record.Entries)
        {
            throw Damaged($"another number of entries than {_record.Entries}");
        }

        if (!_bytes.Available.IsEmpty || _content != _contentLength)
        {
            throw Damaged(_content != _contentLength ? "other lengths than the contents" : "bytes behind its end");
        }

        return true;
    }

    private bool IsWhole(in EntryCursor cursor)
    {
        if (cursor.Wrong is { } wrong)
        {
            throw Damaged(wrong);
        }

        if (cursor.IsShort)
        {
            return false;
        }

        _bytes.Consume(cursor.Position);
        return true;
    }

    private void Check()
    {
        if (Entry.Type == FileTreeEntryType.End)
        {
            if (_path.Depth == 0)
            {
                _ended = true;
                return;
            }

            Previous(_path.Name);
            _path.Pop();
            return;
        }

        // Ascending: so no name comes twice, and no directory is left and entered again.
        var name = Entry.Name.Span;
        if (name.SequenceCompareTo(_previous.AsSpan(0, _previousLength)) <= 0)
        {
            throw Damaged("names out of order");
        }

        Previous(name);
        if (++_entries > FileTreeLimits.MaxEntries)
        {
            throw Damaged("too many entries");
        }

        CheckContent();
        if (Entry.Type == FileTreeEntryType.HardLink && Entry.Group >= _groups)
        {
            throw Damaged("a link to an entry that was not before it");
        }

        Entry.Group = Entry.IsLinked ? _groups++ : Entry.Group;
        if (!_path.TryPush(name) || _path.Depth > FileTreeLimits.MaxDepth)
        {
            throw Damaged("a path that is too long");
        }

        if (Entry.Type == FileTreeEntryType.Directory)
        {
            _previousLength = 0;
        }
        else
        {
            _path.Pop();
        }
    }

    private void CheckContent()
    {
        if (Entry.Type == FileTreeEntryType.Regular)
        {
            if (Entry.ContentLength > _contentLength - _content)
            {
                throw Damaged("more lengths than contents");
            }

            _content += Entry.ContentLength;
        }
    }

    private void Previous(ReadOnlySpan<byte> name)
    {
        name.CopyTo(_previous);
        _previousLength = name.Length;
    }
}
