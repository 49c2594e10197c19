namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Where the first names of linked nodes are: group number to directory and name. Directories share what they have in common, so the
/// memory is bounded by the names that were read, however long their paths are.
/// </summary>
internal sealed class LinkPlaces
{
    private const int RootDirectory = 0;

    private readonly List<(int Parent, int Start, int Length)> _directories = [(-1, 0, 0)];
    private readonly List<(int Directory, int Start, int Length)> _groups = [];

    /// <summary>The numbers of the directories on the way to the current one; those that no linked node lies in have none.</summary>
    private readonly List<int> _way = [];

    private byte[] _names = new byte[256];
    private int _filled;

    /// <summary>The node of that path gets the next group number, or none is there.</summary>
    public void Add(TreePath path, bool exists)
    {
        if (!exists)
        {
            _groups.Add((-1, 0, 0));
            return;
        }

        var directory = RootDirectory;
        for (var i = 0; i < path.Depth - 1; i++)
        {
            if (i == _way.Count)
            {
                var (start, length) = Keep(path.Part(i));
                _directories.Add((directory, start, length));
                _way.Add(_directories.Count - 1);
            }

            directory = _way[i];
        }

        var name = Keep(path.Name);
        _groups.Add((directory, name.Start, name.Length));
    }

    /// <summary>The walk has left the directory at that depth.</summary>
    public void Left(int depth)
    {
        if (_way.Count > depth)
        {
            _way.RemoveRange(depth, _way.Count - depth);
        }
    }

    /// <summary>The directory (<c>.</c> for the root) and the name of a group's node; false when there is none.</summary>
    public bool TryFind(int group, Span<byte> buffer, out ReadOnlySpan<byte> directory, out ReadOnlySpan<byte> name)
    {
        var (parent, start, length) = _groups[group];
        name = _names.AsSpan(start, length);
        directory = "."u8;
        if (parent < 0)
        {
            return false;
        }

        // From the end to the beginning, as the parents lead.
        var at = buffer.Length;
        while (parent != RootDirectory)
        {
            var (above, partStart, partLength) = _directories[parent];
            if (at < buffer.Length)
            {
                buffer[--at] = (byte)'/';
            }

            at -= partLength;
            _names.AsSpan(partStart, partLength).CopyTo(buffer[at..]);
            parent = above;
        }

        if (at < buffer.Length)
        {
            directory = buffer[at..];
        }

        return true;
    }

    private (int Start, int Length) Keep(ReadOnlySpan<byte> name)
    {
        if (_names.Length - _filled < name.Length)
        {
            Array.Resize(ref _names, Math.Max(_names.Length * 2, _filled + name.Length));
        }

        name.CopyTo(_names.AsSpan(_filled));
        _filled += name.Length;
        return (_filled - name.Length, name.Length);
    }
}
