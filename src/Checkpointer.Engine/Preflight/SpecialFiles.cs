using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Descriptors of things that are no files: devices, kernel objects, pidfds.</summary>
internal static class SpecialFiles
{
    private const uint MemoryDevices = 1;
    private const uint MiscDevices = 10;
    private const uint TunMinor = 200;
    private const uint AutofsMinor = 235;

    private static readonly string[] KnownObjects =
    [
        "anon_inode:[eventfd]", "anon_inode:[eventpoll]", "anon_inode:[signalfd]", "anon_inode:[timerfd]", "anon_inode:inotify", "anon_inode:[inotify]",
        "anon_inode:[fanotify]", "anon_inode:[pidfd]", "anon_inode:bpf-map", "anon_inode:[bpf-map]",
    ];

    public static void Run(InspectionDraft draft)
    {
        List<string> devices = [];
        List<string> rings = [];
        List<string> objects = [];
        List<string> pidfds = [];
        List<string> semaphores = [];
        foreach ((InspectedProcess process, ProcFd file) in draft.AllFiles())
        {
            string name = $"{file.Target} ({InspectionDraft.Name(process, file)})";
            if (file.Target.StartsWith("anon_inode:[io_uring]", StringComparison.Ordinal))
            {
                rings.Add(name);
            }
            else if (file.Info.IsSemaphore)
            {
                semaphores.Add(name);
            }
            else if (IsForeignPidFd(draft, file))
            {
                pidfds.Add(name);
            }
            else if (GpuProbe.IsGpuDevice(file.Target))
            {
                // The GPU part judges these: a checkpoint of the CUDA context closes them.
            }
            else if (IsUnknownDevice(file))
            {
                devices.Add(name);
            }
            else if (IsUnknownObject(file))
            {
                objects.Add(name);
            }
        }

        devices.AddRange(MappedDevices(draft));
        Report(draft, devices, rings, objects, pidfds);
        if (semaphores.Count > 0)
        {
            // Tried: a count of 3 then gives 3 to the first reader.
            draft.Overridable("eventfd-semaphore", InspectionDraft.Enumerate(semaphores), "an eventfd that counts as a semaphore (EFD_SEMAPHORE)",
                "a plain eventfd: CRIU restores it as one, and a read then takes the whole count", "force it if the program can live with that");
        }
    }

    private static void Report(InspectionDraft draft, List<string> devices, List<string> rings, List<string> objects, List<string> pidfds)
    {
        if (rings.Count > 0)
        {
            draft.Blocker("io-uring", InspectionDraft.Enumerate(rings), "an io_uring ring is open", "none: CRIU cannot dump it",
                "turn io_uring off in the program (libuv: UV_USE_IO_URING=0) and restart it");
        }

        if (devices.Count > 0)
        {
            draft.Blocker("device-file", InspectionDraft.Enumerate(devices), "a device is open or mapped", "none: its state is in the hardware or the kernel",
                "close it before the checkpoint");
        }

        if (objects.Count > 0)
        {
            draft.Blocker("unsupported-file", InspectionDraft.Enumerate(objects), "a kernel object that CRIU cannot dump is open", "none", "close it before the checkpoint");
        }

        if (pidfds.Count > 0)
        {
            draft.Blocker("pidfd-outside", InspectionDraft.Enumerate(pidfds), "it points to a process outside of the tree", "pidfds of the tree's own processes",
                "close it, or checkpoint a root that includes that process");
        }
    }

    private static bool IsForeignPidFd(InspectionDraft draft, ProcFd file)
    {
        return file.Info.PidFdTarget is { } pid && pid > 0 && !draft.Tree.Contains(pid);
    }

    private static bool IsUnknownDevice(ProcFd file)
    {
        if (file.Info.IsPathOnly)
        {
            return false;
        }

        DeviceNumber device = file.Status.RepresentedDevice;
        return file.Status.Type switch
        {
            FileType.BlockDevice => true,
            FileType.CharacterDevice => !(device.Major == MemoryDevices || Terminal.IsTerminal(device)
                || (device.Major == MiscDevices && device.Minor is TunMinor or AutofsMinor)),
            _ => false,
        };
    }

    private static bool IsUnknownObject(ProcFd file)
    {
        if (file.Target.StartsWith("anon_inode:", StringComparison.Ordinal))
        {
            return !KnownObjects.Contains(file.Target, StringComparer.Ordinal);
        }

        bool isNamespaceOrPidFd = file.Info.PidFdTarget is not null || file.Target.Contains(":[", StringComparison.Ordinal);
        return file.Status.Type is FileType.Regular && file.Path is null && !isNamespaceOrPidFd;
    }

    private static IEnumerable<string> MappedDevices(InspectionDraft draft)
    {
        foreach (InspectedProcess process in draft.Processes)
        {
            foreach (ProcMapping mapping in process.Mappings.Where(m => m.Path.StartsWith("/dev/", StringComparison.Ordinal) && m.Path != "/dev/zero" && !GpuProbe.IsGpuDevice(m.Path)))
            {
                string link = $"/proc/{process.Info.Pid}/map_files/{mapping.Start:x}-{mapping.End:x}";
                if (FileStatus.Of(link) is { Type: FileType.CharacterDevice or FileType.BlockDevice })
                {
                    yield return $"{mapping.Path} (mapped by {process.Info.Label})";
                }
            }
        }
    }
}
