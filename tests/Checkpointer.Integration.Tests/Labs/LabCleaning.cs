using System.Runtime.InteropServices;

namespace Checkpointer.Integration.Tests;

/// <summary>Takes away all that a lab left: processes first, then network locks, mounts, cgroups, files.</summary>
internal sealed partial class LabCleaning(Lab lab)
{
    private const int SigKill = 9;
    private const int LazyDetach = 2;
    private const int Busy = 16; // EBUSY
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);
    private readonly Dictionary<int, string> _roots = [];
    private readonly List<string> _files = [];
    private Task? _run;

    internal void Track(int pid)
    {
        if (pid <= 1)
        {
            throw new ArgumentOutOfRangeException(nameof(pid), pid, "not a process of a lab");
        }

        // The start time, because the pid may be a stranger's when the lab is cleaned.
        _roots[pid] = Processes.StartTimeOf(pid) ?? "";
    }

    internal void TrackFile(string path) => _files.Add(path);

    /// <summary>Cleans once; whoever asks again gets the same outcome. Ending processes makes tests fail and clean up too.</summary>
    internal Task RunAsync()
    {
        lock (_roots)
        {
            return _run ??= CleanAsync();
        }
    }

    private async Task CleanAsync()
    {
        await EndProcessesAsync();
        foreach (var table in NetworkLocks.Of(lab.StateDirectory))
        {
            NetworkLocks.Delete(table);
        }

        RemoveCgroups(); // before the state, which names them, may be unmounted
        UnmountAll();
        foreach (var file in _files)
        {
            File.Delete(file);
        }

        Directory.Delete(lab.Directory, recursive: true);
        LiveLabs.Remove(this);
    }

    private async Task EndProcessesAsync()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            // Again and again, because a process may have forked while the list was read.
            var alive = Mine().Where(Processes.IsAlive).ToList();
            if (alive.Count == 0)
            {
                return;
            }

            if (clock.Elapsed > EndLimit)
            {
                throw new InvalidOperationException("The lab could not end: " + string.Join("; ", alive.Select(pid => $"{pid} {Processes.CommandLine(pid)}")));
            }

            alive.ForEach(pid => Kill(pid, SigKill));
            await Task.Delay(20);
        }
    }

    // CRIU runs with a clean environment; its arguments name the lab.
    private HashSet<int> Mine() =>
        [.. Processes.WithEnvironment(lab.Mark).Concat(Processes.WithArgumentsBelow(lab.Directory)).Concat(_roots.Where(root => Processes.StartTimeOf(root.Key) == root.Value).Select(root => root.Key)).SelectMany(Processes.TreeOf)];

    private void UnmountAll()
    {
        var points = File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4])
            .Where(point => point.StartsWith(lab.Directory + "/", StringComparison.Ordinal)).OrderByDescending(point => point.Length);
        foreach (var point in points)
        {
            if (Unmount(point, LazyDetach) != 0)
            {
                throw new InvalidOperationException($"The lab could not unmount {point}: errno {Marshal.GetLastPInvokeError()}");
            }
        }
    }

    /// <summary>Cgroups are named after operations; this lab's operations are named in its state: journal, logs, trees.</summary>
    private void RemoveCgroups()
    {
        if (!Directory.Exists(lab.StateDirectory))
        {
            return;
        }

        var operations = Directory.EnumerateDirectories(lab.StateDirectory).SelectMany(Directory.EnumerateFileSystemEntries)
            .Select(Path.GetFileNameWithoutExtension).ToHashSet();
        foreach (var hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup"))
        {
            var parent = Path.Combine(hierarchy, "checkpointer");
            if (!Directory.Exists(parent))
            {
                continue;
            }

            foreach (var cgroup in Directory.EnumerateDirectories(parent).Where(path => operations.Contains(Path.GetFileName(path))))
            {
                RemoveCgroup(cgroup);
            }
        }
    }

    /// <summary>Tasks that were just killed are in it for a moment longer than they are seen in /proc.</summary>
    private static void RemoveCgroup(string path)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (RemoveDirectory(path) != 0 && Marshal.GetLastPInvokeError() == Busy && clock.Elapsed < EndLimit)
        {
            Thread.Sleep(20);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string path, int flags);

    /// <summary>rmdir alone works on cgroups: their files cannot be deleted.</summary>
    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveDirectory(string path);
}
