using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>The stream with the real CRIU: a tree of processes through a repository and back, its memory checked by itself.</summary>
public sealed partial class RealCriuTests : StreamFixture
{
    private static readonly TimeSpan CriuPatience = TimeSpan.FromSeconds(120);

    [Fact]
    public Task A_tree_with_private_and_shared_memory_goes_through_a_repository_and_lives_on() => RoundTripAsync(mib: 24, children: 3, extents: 0);

    [Fact]
    public Task A_process_with_sixty_thousand_extents_is_restored_at_the_minimum_budget() => RoundTripAsync(mib: 8, children: 0, extents: 60_000);

    [Fact]
    public async Task A_dump_whose_store_fails_leaves_the_process_running()
    {
        string criu = RequireCriu();
        using RealCriu.Workload workload = await RealCriu.StartAsync(Dir, mib: 64, children: 1, extents: 0, Token);
        BlockPool pool = Pool(4);
        MemorySink sink = new(pool) { Delay = TimeSpan.FromMilliseconds(50) };
        await using CaptureServer capture = Capture(sink, pool);
        TaskCompletionSource<int> pid = new();
        Task captured = capture.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
        Task dump = RealCriu.RunAsync(criu, pid, Dir, "dump", ["--stream", "--tree", $"{workload.Root}"], Token);
        Assert.True(SpinWait.SpinUntil(() => capture.Statistics.PageBytes > 0, Patience)); // in the middle of its memory
        sink.Fail(new RepositoryException("repository-full", "No space left."));

        await Assert.ThrowsAsync<Xunit.Sdk.FailException>(() => dump); // CRIU failed
        Assert.Equal("repository-full", (await Assert.ThrowsAsync<RepositoryException>(() => Within(captured))).Code);
        Assert.All(await workload.VerifyAsync(Token), r => Assert.Equal("same", r));
    }

    private async Task RoundTripAsync(int mib, int children, int extents)
    {
        string criu = RequireCriu();
        using RealCriu.Workload workload = await RealCriu.StartAsync(Dir, mib, children, extents, Token);
        await using CheckpointRepository repository = await CheckpointRepository.InitAsync(
            RepositoryUrl.Open(Path.Combine(Dir, "repository")), KeyFile.LoadOrCreate(Path.Combine(Dir, "key")), Token);
        SnapshotInfo info = await DumpAsync(criu, repository, workload.Root);
        Assert.Null(ProcessIdentity.Of(workload.Root)); // it ended with its snapshot

        await RestoreWhenPidsAreFreeAsync(criu, repository, info);

        Assert.All(await workload.VerifyAsync(Token), r => Assert.Equal("same", r));
    }

    private async Task<SnapshotInfo> DumpAsync(string criu, CheckpointRepository repository, int root)
    {
        BlockPool pool = Pool(16);
        WriterOptions options = new() { Pool = pool };
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), options, CancellationToken.None);
        await using CaptureServer capture = new(Dir, writer, pool, NullLogger.Instance);
        capture.Listen();
        FileWriter beside = writer.OpenFile("state-1", FileKind.Pages); // as files on tmpfs are stored
        beside.Write(RandomBytes(300_000));
        beside.Complete();
        TaskCompletionSource<int> pid = new();
        Task captured = capture.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
        await RealCriu.RunAsync(criu, pid, Dir, "dump", ["--stream", "--tree", $"{root}"], Token);

        await captured.WaitAsync(CriuPatience, Token);
        await capture.Complete.WaitAsync(TimeSpan.Zero, Token);
        CaptureStatistics statistics = capture.Statistics;
        TestContext.Current.SendDiagnosticMessage(
            $"captured {statistics.FilesOpened} files, {statistics.Bytes >> 20} MiB, complete after {statistics.Completed?.TotalMilliseconds:F0} ms");
        return await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UtcNow, Node = "test", Intent = "final" }, Token);
    }

    // The pids of the tree are wanted back, and on a busy machine a zombie or somebody's short-lived process may hold one of them.
    private static async Task WhenPidsAreFreeAsync(Func<Task> restore)
    {
        const int attempts = 30;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await restore();
                return;
            }
            catch (Xunit.Sdk.FailException e) when (e.Message.Contains("File exists", StringComparison.Ordinal) && attempt < attempts)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), Token);
            }
        }
    }

    private Task RestoreWhenPidsAreFreeAsync(string criu, CheckpointRepository repository, SnapshotInfo info) =>
        WhenPidsAreFreeAsync(() => RestoreAsync(criu, repository, info));

    private async Task RestoreAsync(string criu, CheckpointRepository repository, SnapshotInfo info)
    {
        await using SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, Token);
        using BlockPool pool = new(ImageServer.MinimumBudget(reader));
        await using ImageServer server = new(Dir, reader, pool, null, NullLogger.Instance);
        server.Listen();
        TaskCompletionSource<int> pid = new();
        Task served = server.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
        await RealCriu.RunAsync(criu, pid, Dir, "restore", ["--stream", "--restore-detached"], Token);

        await served.WaitAsync(CriuPatience, Token);
        Assert.True(server.AllServedWhole(out string? missing), missing);
        TestContext.Current.SendDiagnosticMessage(
            $"served {server.Statistics!.Files.Count} files ({server.Statistics.Absent} absent), {server.Statistics.Bytes >> 20} MiB with {pool.Count} blocks");
    }

    private static string RequireCriu()
    {
        if (RealCriu.Path is null)
        {
            Assert.Skip("needs CRIU 4.2 (CHECKPOINTER_CRIU, or scripts/setup.sh) and root");
        }
        return RealCriu.Path!;
    }
}
