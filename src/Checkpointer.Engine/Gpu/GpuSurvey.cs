using System.Globalization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>Asks the driver about the processes of one or several trees that may use a GPU, and says what speaks against a checkpoint. Changes nothing.</summary>
internal sealed class GpuSurvey
{
    private readonly GpuDriver _driver;
    private readonly Task<GpuInventory> _nvml;
    private readonly IReadOnlyList<Inspection> _trees;
    private readonly List<Suspect> _suspects;
    private readonly FindingList _findings = new();
    private readonly List<GpuProcess> _processes = [];

    private GpuSurvey(GpuDriver driver, Task<GpuInventory> nvml, IReadOnlyList<Inspection> trees)
    {
        _driver = driver;
        _nvml = nvml;
        _trees = trees;
        _suspects = [.. trees.SelectMany((tree, number) => tree.GpuCandidates.Select(c => new Suspect(c, number, Label(c, tree))))];
    }

    /// <summary>A process that may use a GPU.</summary>
    private sealed record Suspect(GpuCandidate Candidate, int Tree, string Label)
    {
        public bool HoldsDevice => Candidate.DeviceFiles.Count > 0;
    }

    /// <summary>Looks at all trees of an operation together: they share the host's memory, and the driver.</summary>
    public static async Task<GpuInspection> RunAsync(
        EngineServices services, GpuDriver driver, IReadOnlyList<Inspection> trees, CancellationToken cancellationToken)
    {
        if (trees.All(static t => t.GpuCandidates.Count == 0))
        {
            return GpuInspection.Nothing;
        }

        driver.Clock.Begin();
        using var notNeeded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var nvml = GpuNode.BeginInventory(services, notNeeded.Token);
        try
        {
            var found = await new GpuSurvey(driver, nvml, trees).LookAsync(cancellationToken).ConfigureAwait(false);
            return found with { Timings = driver.Clock.Finish() };
        }
        finally
        {
            await notNeeded.CancelAsync().ConfigureAwait(false);
            await ((Task)nvml).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<GpuInspection> LookAsync(CancellationToken cancellationToken)
    {
        var hello = await _driver.HelloAsync().ConfigureAwait(false);
        if (!hello.IsDone)
        {
            if (_suspects.Exists(static s => s.HoldsDevice))
            {
                _findings.Blocker("gpu-driver-missing", Labels(), hello.Text, "the CUDA driver's library, to bring device memory into the process",
                    "name the driver's libcuda.so.1 in the configuration (gpu.cudaLibrary)");
            }

            return new GpuInspection { Findings = _findings.ToVerdict().Findings };
        }

        if (hello.Number("driver") < GpuNode.CheckpointFrom)
        {
            if (_suspects.Exists(static s => s.HoldsDevice))
            {
                _findings.Blocker("gpu-driver-too-old", Labels(), $"a driver for CUDA {GpuAnswer.Version(hello.Number("driver"))}",
                    $"CUDA {GpuAnswer.Version(GpuNode.CheckpointFrom)} (driver r570) or newer", "install a newer driver");
            }

            return new GpuInspection { Findings = _findings.ToVerdict().Findings, Cuda = hello.Number("driver") };
        }

        foreach (var suspect in _suspects)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ProbeAsync(suspect).ConfigureAwait(false);
        }

        if (_processes.Count == 0)
        {
            return new GpuInspection { Findings = _findings.ToVerdict().Findings, Cuda = hello.Number("driver") };
        }

        var node = await GpuNode.ReadAsync(_nvml, _driver).ConfigureAwait(false);
        var devices = Devices(node);
        HostMemory(node);
        Sharing();
        _findings.Note("gpu-unseen", Labels(), $"managed, imported and multicast memory{(_processes.Count > 1 ? ", and memory shared between them by CUDA IPC," : "")} cannot be seen from outside", "none of it",
            "the driver refuses managed memory when the checkpoint is made, and the workload runs on; docs/gpu.md has the rest");
        return new GpuInspection
        {
            Processes = _processes,
            Findings = _findings.ToVerdict().Findings,
            Devices = devices,
            Driver = node.Inventory.Driver,
            Cuda = node.Cuda,
        };
    }

    private async Task ProbeAsync(Suspect suspect)
    {
        var info = suspect.Candidate.Info;
        var process = new GpuProcess
        {
            Pid = info.Pid,
            StartTime = info.StartTime,
            OwnPid = info.OwnPid,
            Tree = suspect.Tree,
            Label = suspect.Label,
        };
        var probe = await _driver.ProbeAsync(process).ConfigureAwait(false);
        if (!probe.IsDone)
        {
            _findings.Blocker("gpu-silent", process.Label, probe.Text, "an answer of the driver about it", "look whether the process is stopped, and at the driver's messages (dmesg, Xid)");
        }
        else if (probe.Word("cuda") == "yes")
        {
            await StateAsync(process).ConfigureAwait(false);
        }
        else if (suspect.HoldsDevice)
        {
            _findings.Blocker("gpu-device-without-cuda", process.Label, $"it has {suspect.Candidate.DeviceFiles[0]} open, but no CUDA context", "no GPU device in a process that does not use it",
                "a forked child inherited it, or the process uses NVML or graphics: start children by exec, or close it");
        }
    }

    private async Task StateAsync(GpuProcess process)
    {
        var state = await _driver.StateAsync(process).ConfigureAwait(false);
        if (!state.IsDone)
        {
            _findings.Blocker("gpu-silent", process.Label, state.Text, "an answer of the driver about its state", "look whether the process is stopped, and at the driver's messages (dmesg, Xid)");
        }
        else if (state.Number("state") != (int)CudaState.Running)
        {
            _findings.Blocker("gpu-not-running", process.Label, $"CUDA state {state.Number("state")} ({(CudaState)state.Number("state")})", "state 0 (Running)",
                "another tool holds it, or a checkpoint was cut off: `checkpointer operations` names ours; a failed process can only be ended");
        }

        _processes.Add(process);
    }

    private List<GpuDevice> Devices(GpuNode node)
    {
        if (node.Failure is { } failure)
        {
            _findings.Blocker("gpu-silent", "GPUs", failure.Text, "the driver's list of GPUs", "look at the driver's messages (dmesg, Xid)");
        }

        if (node.Inventory.Error is { } error)
        {
            _findings.Note("gpu-inventory-missing", "GPUs", error.Message, "NVML, to compare memory", "name NVML's library in the configuration (gpu.nvmlLibrary)");
        }

        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (var process in _processes)
        {
            var minors = _suspects.First(s => s.Candidate.Info.Pid == process.Pid).Candidate.DeviceFiles.Select(GpuProbe.MinorOf).Where(static m => m is not null).ToHashSet();
            var own = node.Devices.Where(d => node.InfoOf(d.Uuid) is not { Minor: { } minor } || minors.Count == 0 || minors.Contains(minor)).ToList();
            process.Devices = [.. own.Select(static d => d.Uuid)];
            seen.UnionWith(process.Devices);
            var told = GpuHoldings.Told(node, process.Pid);
            process.DeviceBytes = told ?? 0;
            process.DeviceBytesAtMost = told ?? GpuHoldings.AtMost(node, own, minors.Count);
            process.DeviceUse = own.ToDictionary(
                static d => d.Uuid,
                d => node.InfoOf(d.Uuid)?.Processes?.Where(u => u.Pid == process.Pid).Sum(static u => u.MemoryUsed ?? 0) ?? 0,
                StringComparer.Ordinal);
        }

        var devices = node.Devices.Where(d => seen.Contains(d.Uuid)).ToList();
        foreach (var device in devices)
        {
            device.Used = _processes.Sum(p => p.DeviceUse.GetValueOrDefault(device.Uuid));
            Judge(device, node.InfoOf(device.Uuid));
        }

        return devices;
    }

    private void Judge(GpuDevice device, GpuInfo? info)
    {
        var subject = $"{device.Name} {device.Uuid}";
        if (device.Mig || info?.Mig == true)
        {
            _findings.Blocker("gpu-mig", subject, "a partitioned GPU (MIG)", "a whole GPU: no driver can checkpoint a partition", "run the workload on a whole GPU");
        }

        if (info?.Virtualization is 2)
        {
            _findings.Blocker("gpu-virtual", subject, "a vGPU", "a GPU of the machine's own, or one that is passed through", "run the workload on such a GPU");
        }

        if (info is { IsHealthy: false })
        {
            _findings.Overridable("gpu-unhealthy", subject, $"the driver asks for recovery action {info.RecoveryAction ?? 0}, or has rows to remap", "a healthy GPU: its memory may not be right",
                "restore the last snapshot elsewhere, or force this one");
        }
    }

    /// <summary>Each tree within its cgroup's limit, and all together within what the host has.</summary>
    private void HostMemory(GpuNode node)
    {
        var available = Host.MemoryAvailable;
        var users = _processes.GroupBy(static p => p.Tree).ToList();
        foreach (var own in users)
        {
            HostMemory(node, [.. own], Math.Min(available, Cgroup.Of(_trees[own.Key].Tree.Root.Pid).MemoryLeft ?? long.MaxValue));
        }

        if (users.Count > 1)
        {
            HostMemory(node, _processes, available);
        }
    }

    private void HostMemory(GpuNode node, List<GpuProcess> processes, long free)
    {
        var wanted = processes.Sum(static p => p.DeviceBytes);
        var untold = processes.Where(p => GpuHoldings.Told(node, p.Pid) is null).ToList();
        var shared = node.Devices.Where(d => untold.Exists(p => p.Devices.Contains(d.Uuid)));
        var atMost = wanted + Math.Min(untold.Sum(static p => p.DeviceBytesAtMost), GpuHoldings.AtMost(node, shared, 0));
        var subject = $"CUDA {(processes.Count == 1 ? "process" : "processes")} {FindingList.Enumerate([.. processes.Select(static p => p.Label)])}";
        var found = $"{ByteSize.Format(free)} of host memory free for {(processes.Count == 1 ? "it" : "them")}";
        if (wanted > free)
        {
            _findings.Overridable("gpu-host-memory", subject, found,
                $"{ByteSize.Format(wanted)}: device memory is brought into the processes' own", "free host memory, or raise the cgroup's limit");
        }
        else if (atMost > free)
        {
            _findings.Note("gpu-host-memory", subject, found,
                $"at most {ByteSize.Format(atMost)}: how much device memory each process holds is not known here, and it is brought into the processes' own",
                "compare with what the program says itself; where it is too much, the driver refuses and the workload runs on");
        }
    }

    private void Sharing()
    {
        foreach (var process in _trees.SelectMany(static t => t.Tree.Processes))
        {
            if (process.Stat.Name.StartsWith("nvidia-cuda-mps", StringComparison.Ordinal))
            {
                _findings.Blocker("gpu-mps", process.Label, "CUDA's multi-process service", "processes that use the GPU themselves: no driver can checkpoint MPS", "run without MPS");
            }
        }

        var clients = _processes.Where(static p => HasVariable(p.Pid, "CUDA_MPS_PIPE_DIRECTORY=")).Select(static p => p.Label).ToList();
        if (clients.Count > 0)
        {
            _findings.Overridable("gpu-mps", FindingList.Enumerate(clients), "CUDA_MPS_PIPE_DIRECTORY is set", "processes that use the GPU themselves: no driver can checkpoint MPS", "run without MPS");
        }

        if (_processes.Count > 1 && _processes.Any(static p => MapsNccl(p.Pid)))
        {
            _findings.Note("gpu-nccl", string.Create(CultureInfo.InvariantCulture, $"{_processes.Count} CUDA processes"), "NCCL is loaded", "no memory that they share through the GPU",
                "launch with NCCL_P2P_DISABLE=1 NCCL_NVLS_ENABLE=0 NCCL_CUMEM_ENABLE=0; docs/gpu.md says when that is needed");
        }
    }

    private static bool HasVariable(int pid, string name) =>
        ProcText.TryRead($"/proc/{pid}/environ")?.Split('\0').Any(v => v.StartsWith(name, StringComparison.Ordinal)) == true;

    private static bool MapsNccl(int pid) => ProcText.Lines($"/proc/{pid}/maps").Any(static l => l.Contains("/libnccl.so", StringComparison.Ordinal));

    private string Labels() => FindingList.Enumerate([.. _suspects.Select(static s => s.Label)]);

    private string Label(GpuCandidate candidate, Inspection tree) =>
        _trees.Count > 1 && tree.Container is { } container ? $"{candidate.Info.Label} of container {container.Subject.Record.Name}" : candidate.Info.Label;
}
