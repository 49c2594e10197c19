using Checkpointer.Engine;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// Two trees that are dumped as the containers of a pod are: each in a cgroup of its own that is frozen, by a CRIU of its own, into one
/// snapshot. There is no container around them: what a restore needs of one is not in that snapshot.
/// </summary>
internal sealed class TwoTrees : IDisposable
{
    public const string Operation = "op-1";

    private readonly EngineBench _bench;
    private readonly string _name = $"gpu-pod-{Guid.NewGuid():N}";
    private readonly List<Cgroup> _cgroups = [];

    public TwoTrees(EngineBench bench, params Sample[] samples)
    {
        _bench = bench;
        Samples = samples;
        for (var i = 0; i < samples.Length; i++)
        {
            var cgroup = Cgroup.Create($"{_name}/{i}");
            cgroup.Join(samples[i].Pid);
            _cgroups.Add(cgroup);
        }
    }

    public IReadOnlyList<Sample> Samples { get; }

    public bool IsFrozen => Samples.Any(static s => s.IsAlive && Cgroup.Of(s.Pid).IsFrozen);

    public void Freeze(int tree) => Assert.True(Cgroup.Of(Samples[tree].Pid).Freeze(TimeSpan.FromSeconds(10), CancellationToken.None));

    /// <summary>The entry as a checkpoint of a pod writes it.</summary>
    public JournalEntry Entry(string phase) => new()
    {
        Version = JournalEntry.SeveralTreesVersion,
        Operation = Operation,
        Kind = OperationKind.Checkpoint,
        Phase = phase,
        Started = TimeProvider.System.GetUtcNow(),
        Repository = _bench.Repository,
        KeyFile = _bench.KeyFile,
        BootId = Host.BootId,
        LeaveRunning = true,
        Members = [.. Samples.Select(static s => new JournalMember
        {
            Processes = [new JournalProcess(s.Pid, s.Identity.StartTime, s.Identity.PidNamespace, WasStopped: false)],
            Freezer = Cgroup.Of(s.Pid).Name,
        })],
    };

    /// <summary>As the survey of a pod finds it.</summary>
    public GpuInspection Found() => new()
    {
        Cuda = 13000,
        Processes = [.. Samples.Select(static (s, i) => s.ToGpuProcess() with { Tree = i })],
    };

    /// <summary>Dumps both and lets both run on.</summary>
    public async Task<SealedDump> DumpAsync()
    {
        var services = _bench.Services;
        var request = _bench.Checkpoint(Samples[0], leaveRunning: true);
        using var abort = new OperationAbort(null, TimeProvider.System, TestContext.Current.CancellationToken);
        var criu = await CriuLocator.FindAsync(_bench.Options.CriuPath, abort.Token);
        List<Inspection> inspections = [.. Samples.Select(static s => WorkloadInspector.Inspect(s.Pid, new InspectOptions()))];
        await using var driver = new GpuDriver(services);
        var gpus = await GpuSurvey.RunAsync(services, driver, inspections, abort.Token);
        await using var repository = await services.OpenRepositoryAsync(request.Repository, request.KeyFile, abort.Token);
        using var pool = new BlockPool(64 << 20);
        var target = new SnapshotTarget(LineageId.New(), 1, null);
        await using var writer = await repository.BeginSnapshotAsync(target, new WriterOptions { Pool = pool }, abort.Token);
        using var place = RunPlace.Create(_bench.Options.RunDirectory, Operation);
        var logs = OperationLogs.Create(_bench.Options.StateDirectory, Operation);
        using var journal = services.Journal.Open(Entry(OperationPhase.Prepare) with { Snapshot = new SnapshotId(target.Lineage, 1).ToString(), RunDirectory = place.Directory });
        await using var devices = new GpuSuspension(services, driver, gpus, journal);
        var session = new DumpSession(services, Operation, request, abort)
        {
            Criu = criu,
            Trees = [.. inspections.Select((inspection, i) => Tree(inspection, i, place, logs))],
            Pod = null,
            Name = null,
            Writer = writer,
            Pool = pool,
            Journal = journal,
            Devices = devices,
            Enter = static _ => { },
            Report = static _ => { },
        };
        var dump = await session.RunAsync();
        journal.Close();
        return dump;
    }

    public void Dispose()
    {
        foreach (var sample in Samples)
        {
            using var process = sample.Identity.Open();
            process?.Signal(Signals.Kill);
        }

        _cgroups.ForEach(static c => c.Thaw());
        Assert.All(_cgroups, static c => Assert.True(c.Delete(TimeSpan.FromSeconds(20), CancellationToken.None)));
        Cgroup.Open(_name)?.Delete();
    }

    private DumpTree Tree(Inspection inspection, int number, RunPlace place, string logs)
    {
        var name = PodMember.PrefixOf(number).TrimEnd('-');
        StateDirectories.Create(Path.Combine(logs, name));
        return new DumpTree
        {
            Number = number,
            Prefix = PodMember.PrefixOf(number),
            Inspection = inspection,
            Root = Samples[number].Identity,
            EnterNamespacesOf = null,
            Place = place.Below(name),
            LogDirectory = Path.Combine(logs, name),
            Freezer = Cgroup.Of(Samples[number].Pid),
        };
    }
}
