namespace Checkpointer.Platform;

public sealed partial class Cgroup
{
    /// <summary>Characters of one part of a name: the file system's limit.</summary>
    private const int MaxPartLength = 255;

    private const uint DirectoryMode = 0x1ed; // 0755, as everywhere in the cgroup file system

    /// <summary>Pause between attempts to remove a cgroup whose last tasks are still dying.</summary>
    private static readonly TimeSpan DeleteRetry = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan DefaultDeletePatience = TimeSpan.FromSeconds(2);

    /// <summary>What we want limits and accounting for; version 2 wants it said on the way down.</summary>
    private static readonly string[] WantedControllers = ["memory", "cpu", "pids"];

    /// <summary>
    /// Creates the cgroup of that name (such as <c>checkpointer/job-1</c>), with its parents, in every hierarchy that
    /// matters; where it exists already it is used. Code <c>no-cgroups</c> when none are mounted.
    /// </summary>
    public static Cgroup Create(string name) => Create(CgroupLayout.Read(), name);

    /// <summary>Removes it, with the (empty) cgroups below it, waiting a little for dying tasks. False when it is still in use.</summary>
    public bool Delete() => Delete(DefaultDeletePatience, CancellationToken.None);

    /// <summary>As the other, with the patience given.</summary>
    public bool Delete(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_places.Any(place => place.IsRoot))
        {
            throw new InvalidOperationException("The root cgroup cannot be deleted.");
        }

        Deadline deadline = Deadline.After(timeout);
        while (true)
        {
            bool gone = true;
            foreach (CgroupPlace place in _places.Where(place => place.Hierarchy.IsManaged))
            {
                gone &= Remove(place.Directory);
            }

            if (gone || deadline.IsOver)
            {
                return gone;
            }

            cancellationToken.WaitHandle.WaitOne(DeleteRetry);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    internal static Cgroup Create(CgroupLayout layout, string name)
    {
        string trimmed = CheckedName(name, allowRoot: false);
        IReadOnlyList<CgroupPlace> places = Places(layout, trimmed);
        if (places.Count == 0)
        {
            throw new HostException("no-cgroups", "No cgroups are mounted here.", "Mount /sys/fs/cgroup.");
        }

        Stack<string> made = new();
        try
        {
            foreach (CgroupPlace place in places)
            {
                MakeDirectories(place, trimmed, made);
            }
        }
        catch
        {
            while (made.TryPop(out string? directory))
            {
                Libc.RemoveDirectory(directory); // best effort: the first failure is the one that counts
            }

            throw;
        }

        return new Cgroup("/" + trimmed, places);
    }

    private static void MakeDirectories(CgroupPlace place, string name, Stack<string> made)
    {
        string directory = place.Hierarchy.MountPoint;
        foreach (string part in name.Split('/'))
        {
            if (place.Hierarchy.IsUnified)
            {
                PassControllersDown(directory);
            }

            directory = $"{directory}/{part}";
            if (Libc.MakeDirectory(directory, DirectoryMode) == 0)
            {
                made.Push(directory);
            }
            else if (Libc.LastError != Errno.EEXIST)
            {
                throw Libc.Failure($"mkdir {directory}");
            }
        }
    }

    private static void PassControllersDown(string directory)
    {
        string text = ProcText.TryRead($"{directory}/cgroup.controllers") ?? "";
        string[] available = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        foreach (string controller in WantedControllers.Where(available.Contains))
        {
            try
            {
                CgroupFile.Write($"{directory}/cgroup.subtree_control", "+" + controller);
            }
            catch (PlatformException refused) when (refused.Errno is Errno.EBUSY or Errno.EOPNOTSUPP or Errno.EINVAL)
            {
                // A parent that holds processes itself cannot pass controllers on. Without them the cgroup still
                // keeps the tree together and freezes it, which is what it is for.
            }
        }
    }

    /// <summary>False while something in it is in use.</summary>
    private static bool Remove(string directory)
    {
        if (!CgroupFile.Exists(directory))
        {
            return true;
        }

        bool empty = true;
        foreach (string below in ProcText.Names(directory).Select(name => $"{directory}/{name}"))
        {
            if (FileStatus.Of(below, followLinks: false)?.Type == FileType.Directory)
            {
                empty &= Remove(below);
            }
        }

        if (!empty)
        {
            return false;
        }

        if (Libc.RemoveDirectory(directory) == 0)
        {
            return true;
        }

        return Libc.LastError switch
        {
            Errno.ENOENT => true,
            Errno.EBUSY or Errno.ENOTEMPTY => false,
            _ => throw Libc.Failure($"rmdir {directory}"),
        };
    }
}
