using System.Globalization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>Asks the driver about the processes of a tree that may use a GPU, and says what speaks against a checkpoint. Changes nothing.</summary>
internal sealed class GpuSurvey
{
    private readonly GpuDriver _driver;
    private readonly Task<GpuInventory> _nvml;
    private readonly FindingList _findings = new();
    private readonly List<GpuProcess> _processes = [];

    private GpuSurvey(GpuDriver driver, Task<GpuInventory> nvml)
    {
        _driver = driver;
        _nvml = nvml;
    }

    public static async Task<GpuInspection> RunAsync(
        EngineServices services, GpuDriver driver, Inspection inspection, CancellationToken cancellationToken)
    {
        if (inspection.GpuCandidates.Count == 0)
        {
            return GpuInspection.Nothing;
        }

        driver.Clock.Begin();
        using var notNeeded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var nvml = GpuNode.BeginInventory(services, notNeeded.Token);
        try
        {
            var found = await new GpuSurvey(driver, nvml).LookAsync(inspection, cancellationToken).ConfigureAwait(false);
            return found with { Timings = driver.Clock.Finish() };
        }
        finally
        {
            await notNeeded.CancelAsync().ConfigureAwait(false);
            await ((Task)nvml).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<GpuInspection> LookAsync(Inspection inspection, CancellationToken cancellationToken)
    {
        var candidates = inspection.GpuCandidates;
        var hello = await _driver.HelloAsync().ConfigureAwait(false);
        if (!hello.IsDone)
        {
            if (candidates.Any(static c => c.DeviceFiles.Count > 0))
            {
                _findings.Blocker("gpu-driver-missing", Labels(candidates), hello.Text, "the CUDA driver's library, to bring device memory into the process",
                    "name the driver's libcuda.so.1 in the configuration (gpu.cudaLibrary)");
            }

            return new GpuInspection { Findings = _findings.ToVerdict().Findings };
        }

        if (hello.Number("driver") < GpuNode.CheckpointFrom)
        {
            if (candidates.Any(static c => c.DeviceFiles.Count > 0))
            {
                _findings.Blocker("gpu-driver-too-old", Labels(candidates), $"a driver for CUDA {GpuAnswer.Version(hello.Number("driver"))}",
                    $"CUDA {GpuAnswer.Version(GpuNode.CheckpointFrom)} (driver r570) or newer", "install a newer driver");
            }

            return new GpuInspection { Findings = _findings.ToVerdict().Findings, Cuda = hello.Number("driver") };
        }

        foreach (var candidate in candidates)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await ProbeAsync(candidate).ConfigureAwait(false);
        }

        if (_processes.Count == 0)
        {
            return new GpuInspection { Findings = _findings.ToVerdict().Findings, Cuda = hello.Number("driver") };
        }

        var node = await GpuNode.ReadAsync(_nvml, _driver).ConfigureAwait(false);
        var devices = Devices(node, candidates);
        HostMemory(inspection);
        Sharing(inspection);
        _findings.Note("gpu-unseen", Labels(candidates), "managed, imported and multicast memory cannot be seen from outside", "none of it",
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

    private async Task ProbeAsync(GpuCandidate candidate)
    {
        var process = new GpuProcess
        {
            Pid = candidate.Info.Pid,
            StartTime = candidate.Info.StartTime,
            OwnPid = candidate.Info.OwnPid,
            Label = candidate.Info.Label,
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
        else if (candidate.DeviceFiles.Count > 0)
        {
            _findings.Blocker("gpu-device-without-cuda", process.Label, $"it has {candidate.DeviceFiles[0]} open, but no CUDA context", "no GPU device in a process that does not use it",
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

    private List<GpuDevice> Devices(GpuNode node, IReadOnlyList<GpuCandidate> candidates)
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
            var minors = candidates.First(c => c.Info.Pid == process.Pid).DeviceFiles.Select(GpuProbe.MinorOf).Where(static m => m is not null).ToHashSet();
            var own = node.Devices.Where(d => node.InfoOf(d.Uuid) is not { Minor: { } minor } || minors.Count == 0 || minors.Contains(minor)).ToList();
            process.Devices = [.. own.Select(static d => d.Uuid)];
            seen.UnionWith(process.Devices);
            process.DeviceBytes = Uses(node).Where(u => u.Use.Pid == process.Pid).Sum(static u => u.Use.MemoryUsed ?? 0);
        }

        var devices = node.Devices.Where(d => seen.Contains(d.Uuid)).ToList();
        foreach (var device in devices)
        {
            var info = node.InfoOf(device.Uuid);
            device.Used = info?.Processes?.Where(u => _processes.Any(p => p.Pid == u.Pid)).Sum(static u => u.MemoryUsed ?? 0) ?? 0;
            Judge(device, info);
        }

        return devices;
    }

    private static IEnumerable<(GpuInfo Gpu, GpuMemoryUse Use)> Uses(GpuNode node) => node.Inventory.Gpus.SelectMany(
        static g => (g.Processes ?? []).Concat((g.MigDevices ?? []).SelectMany(static m => m.Processes ?? [])).Select(u => (g, u)));

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

    private void HostMemory(Inspection inspection)
    {
        var wanted = _processes.Sum(static p => p.DeviceBytes);
        var free = Math.Min(Host.MemoryAvailable, Cgroup.Of(inspection.Tree.Root.Pid).MemoryLeft ?? long.MaxValue);
        if (wanted > free)
        {
            _findings.Overridable("gpu-host-memory", $"{_processes.Count} CUDA processes", $"{ByteSize.Format(free)} of host memory free for them",
                $"{ByteSize.Format(wanted)}: device memory is brought into the processes' own", "free host memory, or raise the cgroup's limit");
        }
    }

    private void Sharing(Inspection inspection)
    {
        foreach (var process in inspection.Tree.Processes)
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

    private static string Labels(IReadOnlyList<GpuCandidate> candidates) => FindingList.Enumerate([.. candidates.Select(static c => c.Info.Label)]);
}
