using Checkpointer.Engine.Compatibility;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Open and mapped files: which CRIU cannot dump, which the snapshot must carry, which the restore must find.</summary>
internal sealed class FileProbe
{
    private readonly InspectionDraft _draft;
    private readonly HashSet<DeviceNumber> _tmpfs;
    private readonly Dictionary<string, FileStateEntry> _state = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OpenFile> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MappedFile> _mapped = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _directories = new(StringComparer.Ordinal);

    private FileProbe(InspectionDraft draft)
    {
        _draft = draft;

        // A container's tmpfs travel whole, as file trees.
        _tmpfs = draft.Options.Container is not null ? [] : [.. draft.Mounts.Where(m => m.FileSystem is "tmpfs" or "ramfs").Select(m => m.Device)];
    }

    public IReadOnlyList<FileStateEntry> Writable => Sorted(_state.Values.Where(f => f.Writable && !f.OnTmpfs));

    public IReadOnlyList<FileStateEntry> Tmpfs => Sorted(_state.Values.Where(f => f.OnTmpfs));

    public IReadOnlyList<OpenFile> Open => [.. _open.Values.OrderBy(f => f.Path, StringComparer.Ordinal)];

    public IReadOnlyList<MappedFile> Mapped => [.. _mapped.Values.OrderBy(f => f.Path, StringComparer.Ordinal)];

    public IReadOnlyList<string> Directories => [.. _directories];

    public static FileProbe Run(InspectionDraft draft)
    {
        FileProbe probe = new(draft);
        UnlinkedFiles unlinked = new(draft);
        foreach ((InspectedProcess process, ProcFd file) in draft.AllFiles())
        {
            probe.Look(process, file, unlinked);
        }

        foreach (InspectedProcess process in draft.Processes)
        {
            probe.LookAtMappings(process, unlinked);
            probe.LookAtDirectories(process);
        }

        ForeignMounts.Run(draft);
        SpecialFiles.Run(draft);
        unlinked.Report();
        probe.Report();
        return probe;
    }

    private static List<FileStateEntry> Sorted(IEnumerable<FileStateEntry> entries)
    {
        return [.. entries.OrderBy(f => f.Path, StringComparer.Ordinal)];
    }

    private void Look(InspectedProcess process, ProcFd file, UnlinkedFiles unlinked)
    {
        if (file.Status.Type == FileType.Directory && file.Path is { } directory && !file.IsUnlinkedName)
        {
            _directories.Add(directory);
        }

        if (file.Status.Type != FileType.Regular || file.Path is not { } path || UnlinkedFiles.IsKernelObject(path))
        {
            return;
        }

        if (file.IsUnlinkedName)
        {
            unlinked.Add(path, file.Status, InspectionDraft.Name(process, file));
            return;
        }

        if (IsProc(file.Status.Device))
        {
            return;
        }

        bool writable = file.Info.CanWrite;
        OpenFile entry = new(path, file.Status.Size, file.Status.ModifiedNanoseconds, writable, !file.Info.IsAppendOnly && !file.Info.IsPathOnly);
        _open[path] = _open.TryGetValue(path, out OpenFile? before)
            ? entry with { Writable = writable || before.Writable, SizeChecked = entry.SizeChecked || before.SizeChecked }
            : entry;
        Remember(path, file.Status, mapped: false, writable);
    }

    private void LookAtMappings(InspectedProcess process, UnlinkedFiles unlinked)
    {
        foreach (ProcMapping mapping in process.Mappings.Where(m => m.IsFile && !UnlinkedFiles.IsKernelObject(m.Path)))
        {
            string link = $"/proc/{process.Info.Pid}/map_files/{mapping.Start:x}-{mapping.End:x}";
            if (mapping.IsDeleted)
            {
                if (FileStatus.Of(link) is { } gone)
                {
                    unlinked.Add(mapping.Path, gone, $"a mapping of {process.Info.Label}");
                }

                continue;
            }

            bool writable = mapping.IsShared && mapping.IsWritable;
            if (_mapped.ContainsKey(mapping.Path) && !writable)
            {
                continue;
            }

            string rooted = $"/proc/{process.Info.Pid}/root{mapping.Path}";
            if (FileStatus.Of(link) is { Type: FileType.Regular } status)
            {
                _mapped[mapping.Path] = new MappedFile(mapping.Path, status.Size, ElfBuildId.Read(rooted));
                Remember(mapping.Path, status, mapped: true, writable);
            }
        }
    }

    private void LookAtDirectories(InspectedProcess process)
    {
        foreach (string link in (string[])["cwd", "root"])
        {
            if (ProcLink.Read($"/proc/{process.Info.Pid}/{link}") is { } path && path.StartsWith('/'))
            {
                _directories.Add(path);
            }
        }
    }

    private void Remember(string path, FileStatus status, bool mapped, bool writable)
    {
        bool tmpfs = _tmpfs.Contains(status.Device);
        if (!tmpfs && !writable)
        {
            return;
        }

        _state.TryGetValue(path, out FileStateEntry? before);
        _state[path] = new FileStateEntry
        {
            Path = path,
            Size = status.Size,
            ModifiedNanoseconds = status.ModifiedNanoseconds,
            Mode = status.Mode,
            Uid = status.Uid,
            Gid = status.Gid,
            Inode = status.Inode,
            Device = status.Device.Value,
            OnTmpfs = tmpfs,
            Mapped = mapped || before is { Mapped: true },
            Writable = writable || before is { Writable: true },
        };
    }

    private bool IsProc(DeviceNumber device)
    {
        return _draft.Mounts.Any(m => m.Device == device && m.FileSystem is "proc" or "sysfs" or "cgroup" or "cgroup2");
    }

    private void Report()
    {
        IReadOnlyList<FileStateEntry> tmpfs = Tmpfs;
        if (tmpfs.Count > 0)
        {
            _draft.Note("tmpfs-files", InspectionDraft.Enumerate([.. tmpfs.Select(f => f.Path)]), $"{ByteSize.Format(tmpfs.Sum(f => f.Size))} in files on tmpfs", "nothing",
                "nothing: they travel with the snapshot");
        }

        IReadOnlyList<FileStateEntry> writable = Writable;
        if (writable.Count > 0 && _draft.Container is null)
        {
            _draft.Note("writable-files", InspectionDraft.Enumerate([.. writable.Select(f => f.Path)]), "open for writing on a disk; their contents are not in the snapshot",
                "the same files where it is restored", "use --include PATH to take one along");
        }
    }
}
