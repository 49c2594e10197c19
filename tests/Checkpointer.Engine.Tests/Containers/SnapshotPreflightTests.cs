using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Containers;

/// <summary>A container's snapshot is judged by the place that it would go to, and by nothing that this node happens to have.</summary>
public sealed class SnapshotPreflightTests : IDisposable
{
    private const string Nowhere = "/no-such-directory-on-any-node";

    /// <summary>What only the place can tell.</summary>
    private static readonly string[] OfThePlace =
        ["mapped-file-missing", "open-file-missing", "directory-missing", "port-taken", "tcp-address-missing", "pids-taken", "image-differs"];

    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false, "target-not-named")]
    [InlineData(true, "target-not-made")]
    public async Task Without_a_place_nothing_is_said_that_only_the_place_tells(bool create, string code)
    {
        foreach (var record in new[] { Container(), Pod() })
        {
            var report = await PreflightAsync(record, new Runtime(null), into: null, create);

            Assert.Empty(report.Findings.Select(static f => f.Code).Intersect(OfThePlace));
            Assert.Equal(FindingSeverity.Note, Assert.Single(report.Findings, f => f.Code == code).Severity);
        }
    }

    [Fact]
    public async Task A_named_place_is_what_it_is_compared_with()
    {
        // Its first process is known by its name; and it can be told from this node by its image.
        var hold = _directory.File("ckpt-waiting");
        File.Copy("/bin/sleep", hold);
        using ChildProcess placeholder = new(hold, "600");
        var there = Container().Container!.Record with { Id = "there", Pid = placeholder.Pid, ImageDigest = "sha256:other" };

        var report = await PreflightAsync(Container(), new Runtime(there), "there", create: false);

        Assert.Contains(report.Findings, f => f.Code == "image-differs");
        Assert.Contains(report.Findings, f => f.Code == "mapped-file-missing");
        Assert.DoesNotContain(report.Findings, f => f.Code.StartsWith("target-not", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_no_place_is_an_error_as_it_is_for_the_restore()
    {
        using var other = ChildProcess.Sleeping();
        var there = Container().Container!.Record with { Id = "there", Pid = other.Pid };

        Assert.Equal("not-a-placeholder", (await Assert.ThrowsAsync<UsageException>(() => PreflightAsync(Container(), new Runtime(there), "there", create: false))).Code);
        Assert.Equal("process-snapshot", (await Assert.ThrowsAsync<UsageException>(() => PreflightAsync(Process(), new Runtime(there), "there", create: false))).Code);
        Assert.Equal("process-snapshot", (await Assert.ThrowsAsync<UsageException>(() => PreflightAsync(Process(), new Runtime(there), null, create: true))).Code);
        Assert.Equal("into-and-create", (await Assert.ThrowsAsync<UsageException>(() => PreflightAsync(Container(), new Runtime(there), "there", create: true))).Code);
    }

    [Fact]
    public async Task The_snapshot_of_a_process_is_compared_with_this_node()
    {
        var report = await PreflightAsync(Process(), new Runtime(null), into: null, create: false);

        Assert.True(report.Refuses);
        Assert.Contains(report.Findings, f => f.Code == "mapped-file-missing");
        Assert.Contains(report.Findings, f => f.Code == "directory-missing");
    }

    private async Task<PreflightReport> PreflightAsync(WorkloadRecord record, IContainerRuntime runtime, string? into, bool create)
    {
        var (place, key) = (_directory.File($"repository-{Guid.NewGuid():N}"), _directory.File("key"));
        string id;
        await using (var repository = await CheckpointRepository.InitAsync(RepositoryUrl.Open(place), KeyFile.LoadOrCreate(key), Token))
        {
            using BlockPool pool = new(8L << 20);
            await using var writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool }, Token);
            ManifestContent content = new() { Created = DateTimeOffset.UnixEpoch, Node = "test", Intent = "final", Workload = record.ToJson() };
            id = (await writer.CommitAsync(content, Token)).Id.ToString();
        }

        CheckpointEngine engine = new(
            new EngineOptions { StateDirectory = _directory.File("state"), RunDirectory = _directory.File("run") }, NullLoggerFactory.Instance, TimeProvider.System, runtime);
        return await engine.PreflightSnapshotAsync(
            new RestoreRequest { Snapshot = id, Repository = place, KeyFile = key, Into = into, Create = create }, Token);
    }

    private static WorkloadRecord Pod() => Container() with
    {
        Version = WorkloadRecord.CurrentVersion,
        Kind = "pod",
        Container = null,
        Pod = new PodPart { Name = "box", Members = [new PodMember { Prefix = "c1-", Workload = Container() }] },
    };

    private static WorkloadRecord Container() => Process() with
    {
        Version = WorkloadRecord.ContainerVersion,
        Kind = "container",
        Container = new ContainerPart
        {
            Record = new ContainerRecord { Id = "c", Name = "c", Pid = 0, Image = "i", ImageDigest = "sha256:one", Runtime = "containerd" },
            Mounts = [],
        },
    };

    private static WorkloadRecord Process() => new()
    {
        RootPid = 1,
        Command = "w",
        Processes = 1,
        Requirement = new Requirement
        {
            Architecture = Machine.Architecture,
            CpuFlags = [],
            CpuModel = "m",
            KernelRelease = "3.0.0",
            MemoryBytes = 1,
            ThreadIds = [1],
            CgroupMode = "",
            MappedFiles = [new MappedFile(Nowhere + "/program", 1, null)],
            OpenFiles = [],
            Connections = [],
            Listening = [],
            Directories = [Nowhere],
        },
        Options = new TreeOptions(),
        StateFiles = [],
    };

    /// <summary>A runtime that knows one container, or none, and makes nothing.</summary>
    private sealed class Runtime(ContainerRecord? there) : IContainerRuntime
    {
        public Task<IReadOnlyList<ContainerSummary>> ListAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ContainerSummary>>([]);

        public Task<ContainerRecord> FindAsync(string name, CancellationToken cancellationToken) => Task.FromResult(there!);

        public Task<IReadOnlyList<ContainerRecord>> FindPodAsync(string name, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ContainerRecord>>([there!]);

        public Task<IReadOnlyList<ContainerRecord>> CreatePodAsync(IReadOnlyList<ContainerRecord> records, string uid, string init, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<bool> RemovePodAsync(string uid, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> MadePodsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
