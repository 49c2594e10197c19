using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Restoring;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Gpu.Tests;

/// <summary>An engine on one simulated node, with state of its own.</summary>
internal sealed class EngineBench : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly bool _ownsState;

    public EngineBench(SimulatedNode node, EngineBench? sharedWith = null, GpuOptions? gpu = null)
    {
        _ownsState = sharedWith is null;
        Folder = sharedWith?.Folder ?? Directory.CreateTempSubdirectory("gpu-bench-").FullName;
        Node = node;
        Options = new EngineOptions
        {
            StateDirectory = Path.Combine(Folder, "state"),
            RunDirectory = Path.Combine(Folder, "run"),
            ShimDirectory = Installation.Shim,
            CriuPath = Installation.Criu,
            Gpu = gpu ?? node.Options,
        };
        Services = new EngineServices(Options, NullLoggerFactory.Instance, TimeProvider.System);
        Engine = new CheckpointEngine(Options, NullLoggerFactory.Instance, TimeProvider.System);
    }

    public string Folder { get; }

    public SimulatedNode Node { get; }

    public EngineOptions Options { get; }

    public EngineServices Services { get; }

    public CheckpointEngine Engine { get; }

    public string Repository => Path.Combine(Folder, "repository");

    public string KeyFile => Path.Combine(Folder, "key");

    public async Task InitAsync()
    {
        await using var repository = await CheckpointRepository.InitAsync(
            RepositoryUrl.Open(Repository), Checkpointer.Repository.KeyFile.LoadOrCreate(KeyFile), CancellationToken.None);
    }

    public OpenJournalEntry OpenJournal(string operation, params Sample[] samples) => Services.Journal.Open(new JournalEntry
    {
        Operation = operation,
        Kind = OperationKind.Checkpoint,
        Phase = OperationPhase.Gpu,
        Started = TimeProvider.System.GetUtcNow(),
        Repository = Repository,
        KeyFile = KeyFile,
        BootId = Host.BootId,
        Processes = [.. samples.Select(static s => new JournalProcess(s.Pid, s.Identity.StartTime, s.Identity.PidNamespace, WasStopped: false))],
    });

    public GpuSuspension Suspend(OpenJournalEntry journal, params Sample[] samples) => Suspend(journal, new GpuDriver(Services), samples);

    public GpuSuspension Suspend(OpenJournalEntry journal, GpuDriver driver, params Sample[] samples) => new(
        Services, driver, new GpuInspection { Processes = [.. samples.Select(static s => s.ToGpuProcess())], Cuda = 13000 }, journal);

    /// <summary>The driver's own word on a process.</summary>
    public async Task<int> StateAsync(Sample sample)
    {
        await using var driver = new GpuDriver(Services);
        return (await driver.StateAsync(sample.ToGpuProcess())).Number("state");
    }

    public CheckpointRequest Checkpoint(Sample sample, bool leaveRunning, string? name = null) => Checkpoint(sample.Pid, leaveRunning, name);

    public CheckpointRequest Checkpoint(int pid, bool leaveRunning, string? name = null) => new()
    {
        Pid = pid,
        Repository = Repository,
        KeyFile = KeyFile,
        LeaveRunning = leaveRunning,
        Name = name,
        MemoryBytes = 64 << 20,
    };

    public RestoreRequest Restore(string snapshot) => new() { Snapshot = snapshot, Repository = Repository, KeyFile = KeyFile, MemoryBytes = 64 << 20 };

    /// <summary>Operations that are in progress, or were left.</summary>
    public IEnumerable<string> Entries => Directory.EnumerateFiles(Path.Combine(Options.StateDirectory, "operations"), "*.json").Select(static p => Path.GetFileNameWithoutExtension(p));

    internal async Task<RecoveryReport> RecoverAsync() => await new RecoveryRunner(Services).RunAsync(CancellationToken.None);

    public void Dispose()
    {
        if (!_ownsState)
        {
            return;
        }

        // Also what a test that failed did not come to end: a restored tree has a cgroup of its own, named after the operation.
        foreach (var operation in Services.Trees.Operations())
        {
            Assert.Null(TreeCgroup.EndAll(operation, Patience));
            Assert.True(TreeCgroup.Remove(operation, Patience), $"the cgroup of {operation} is in use");
        }

        foreach (var mount in ProcMountInfo.ReadAll(Environment.ProcessId).Where(m => m.MountPoint.StartsWith(Folder, StringComparison.Ordinal)))
        {
            Mounts.Unmount(mount.MountPoint);
        }

        Directory.Delete(Folder, recursive: true);
    }
}
