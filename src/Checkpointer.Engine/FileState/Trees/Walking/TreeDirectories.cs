using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Where a walk is: the path, and open directories from the root down to it. Each is opened by name from the one above, never through a
/// symbolic link or a mount point. Only the deepest are open; the others are opened again by path, below the root, on the way back.
/// </summary>
internal sealed class TreeDirectories : IDisposable
{
    private readonly List<SafeFileHandle?> _open = [];

    /// <param name="root">Open in any way; stays the caller's.</param>
    public TreeDirectories(SafeFileHandle root)
    {
        Root = root;
        _open.Add(Nodes.Open(root, "."u8, OpenFlags.ReadOnly | OpenFlags.Directory));
    }

    public SafeFileHandle Root { get; }

    /// <summary>The path of the entry that the walk looks at: the current directory, or a name in it.</summary>
    public TreePath Path { get; } = new();

    /// <summary>Directories below the root that the walk has entered.</summary>
    public int Depth => _open.Count - 1;

    /// <summary>The directory that was entered last, open for reading.</summary>
    public SafeFileHandle Current => _open[^1] ??= Nodes.Open(Root, Path.Prefix(Depth), OpenFlags.ReadOnly | OpenFlags.Directory);

    /// <summary>Enters the directory that the path names last, in the current one.</summary>
    public SafeFileHandle Enter()
    {
        var entered = Nodes.Open(Current, Path.Name, OpenFlags.ReadOnly | OpenFlags.Directory);
        _open.Add(entered);
        if (_open.Count - 1 - FileTreeLimits.OpenDirectories is var closed and >= 0)
        {
            _open[closed]?.Dispose();
            _open[closed] = null;
        }

        return entered;
    }

    /// <summary>Back to the directory above; the path keeps the name.</summary>
    public void Leave()
    {
        _open[^1]?.Dispose();
        _open.RemoveAt(_open.Count - 1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var handle in _open)
        {
            handle?.Dispose();
        }

        _open.Clear();
    }
}
