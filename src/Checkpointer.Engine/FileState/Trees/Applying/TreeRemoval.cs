using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Removes what a target has: whole directories too, but never what is mounted somewhere in it, nor what was left out of the tree. A
/// removal from outside the container's mount namespace would take its mounts away without a question, so each name is looked at first.
/// </summary>
internal sealed class TreeRemoval(string mountPoint, TreeDirectories directories, FileTreePatterns patterns)
{
    /// <summary>How often a directory is read again because it was not empty after all: somebody else makes files in it.</summary>
    private const int MaxRounds = 8;

    private readonly DirectoryReader _reader = new();
    private readonly List<NameList> _names = [];

    /// <summary>Removes what the path names last, in the current directory.</summary>
    /// <returns>True when nothing of that name is there any more.</returns>
    public bool Remove()
    {
        var name = directories.Path.Name;
        if (!Nodes.TryStatus(directories.Current, name, out var status))
        {
            return true;
        }

        if (status.IsMountRoot || patterns.Matches(directories.Path.Bytes))
        {
            return false;
        }

        if (status.Type != FileType.Directory)
        {
            return Nodes.Remove(directories.Current, name, isDirectory: false);
        }

        for (var round = 0; round < MaxRounds; round++)
        {
            // Most often it is empty already, and there is no need to look.
            if (Nodes.Remove(directories.Current, name, isDirectory: true))
            {
                return true;
            }

            directories.Enter();
            var all = Empty();
            directories.Leave();
            if (!all)
            {
                return false;
            }
        }

        throw TreeErrors.Apply(directories.Path.Show(mountPoint), "somebody makes files in a directory that is to go");
    }

    /// <summary>Empties the current directory, which was just entered.</summary>
    /// <returns>True when nothing was left in it.</returns>
    public bool Empty()
    {
        while (directories.Depth >= _names.Count)
        {
            _names.Add(new NameList());
        }

        var names = _names[directories.Depth];
        if (!names.TryRead(directories.Current, _reader, FileTreeLimits.MaxEntries))
        {
            throw TreeErrors.Apply(directories.Path.Show(mountPoint), "too many entries are there");
        }

        var all = true;
        while (names.Next(out var name))
        {
            if (!directories.Path.TryPush(name) || directories.Path.Depth > FileTreeLimits.MaxDepth)
            {
                throw TreeErrors.Apply(directories.Path.Show(mountPoint), "what is there lies too deep to be removed");
            }

            all &= Remove();
            directories.Path.Pop();
        }

        return all;
    }
}
