using System.Diagnostics;
using System.Globalization;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>The stream with the real CRIU: a tree of processes through a repository and back, its memory checked by itself.</summary>
public sealed class RealCriuTests : StreamFixture
{
    private static readonly TimeSpan CriuPatience = TimeSpan.FromSeconds(120);

    // argv: directory, MiB of memory of each process, children, extents. Every process holds private and shared memory, and answers for it.
    private const string Workload = """
        import hashlib, mmap, os, sys, time
        where, mib, children, extents = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
        shared = mmap.mmap(-1, 4 << 20)
        shared[:] = os.urandom(4 << 20)
        for _ in range(children):
            if os.fork() == 0:
                break
        memory = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for i in range(0, mib << 20, 1 << 20):
            memory[i:i + (1 << 20)] = bytes(1 << 20) if (i >> 20) % 3 == 2 else os.urandom(1 << 20)
        sparse = mmap.mmap(-1, max(extents, 1) * 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        sparse.madvise(mmap.MADV_NOHUGEPAGE)
        for i in range(extents):
            sparse[i * 8192:i * 8192 + 8] = i.to_bytes(8, 'little')
        def digest():
            d = hashlib.sha256(memory)
            d.update(shared)
            for i in range(extents):
                d.update(sparse[i * 8192:i * 8192 + 8])
            return d.hexdigest()
        before = digest()
        me = os.getpid()
        open(f'{where}/ready-{me}', 'w').close()
        while not os.path.exists(f'{where}/verify'):
            time.sleep(0.05)
        with open(f'{where}/part-{me}', 'w') as f:
            f.write('same' if digest() == before else 'DIFFERENT')
        os.rename(f'{where}/part-{me}', f'{where}/result-{me}')
        time.sleep(600)
        """;

    private static string? Criu => Environment.GetEnvironmentVariable("CHECKPOINTER_CRIU") ?? FindUpwards("artifacts/criu/sbin/criu");

    [Fact]
    public Task A_tree_with_private_and_shared_memory_goes_through_a_repository_and_lives_on() => RoundTripAsync(mib: 24, children: 3, extents: 0);

    [Fact]
    public Task A_process_with_sixty_thousand_extents_is_restored_at_the_minimum_budget() => RoundTripAsync(mib: 8, children: 0, extents: 60_000);

    private async Task RoundTripAsync(int mib, int children, int extents)
    {
        if (Criu is null || !File.Exists(Criu) || Host.EffectiveUid != 0)
        {
            Assert.Skip("needs CRIU 4.2 (CHECKPOINTER_CRIU, or scripts/setup.sh) and root");
        }
        await File.WriteAllTextAsync(Path.Combine(Dir, "workload.py"), Workload, Token);
        int root = await StartWorkloadAsync(mib, children, extents);
        try
        {
            await using CheckpointRepository repository = await CheckpointRepository.InitAsync(
                RepositoryUrl.Open(Path.Combine(Dir, "repository")), KeyFile.LoadOrCreate(Path.Combine(Dir, "key")), Token);
            SnapshotInfo info = await DumpAsync(repository, root);
            Assert.Null(ProcessIdentity.Of(root)); // it ended with its snapshot
            await RestoreAsync(repository, info);

            await File.WriteAllTextAsync(Path.Combine(Dir, "verify"), "", Token);
            string[] results = await WaitForFilesAsync("result-*", children + 1);
            Assert.All(results, r => Assert.Equal("same", File.ReadAllText(r)));
        }
        finally
        {
            KillTree();
        }
    }

    private async Task<SnapshotInfo> DumpAsync(CheckpointRepository repository, int root)
    {
        BlockPool pool = Pool(16);
        WriterOptions options = new() { Pool = pool };
        await using SnapshotWriter writer = repository.BeginSnapshot(new SnapshotTarget(LineageId.New(), 1, null), options);
        await using CaptureServer capture = new(Dir, writer, pool, NullLogger.Instance);
        capture.Listen();
        TaskCompletionSource<int> pid = new();
        Task captured = capture.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
        await RunCriuAsync(pid, "dump", "--tree", root.ToString(CultureInfo.InvariantCulture));

        await captured.WaitAsync(CriuPatience, Token);
        await capture.Complete.WaitAsync(TimeSpan.Zero, Token);
        CaptureStatistics statistics = capture.Statistics;
        TestContext.Current.SendDiagnosticMessage($"captured {statistics.FilesOpened} files, {statistics.Bytes >> 20} MiB, complete after {statistics.Completed?.TotalMilliseconds:F0} ms");
        return await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UtcNow, Node = "test", Intent = "final" }, Token);
    }

    private async Task RestoreAsync(CheckpointRepository repository, SnapshotInfo info)
    {
        await using SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, Token);
        using BlockPool pool = new(ImageServer.MinimumBudget(reader));
        await using ImageServer server = new(Dir, reader, pool, null, NullLogger.Instance);
        server.Listen();
        TaskCompletionSource<int> pid = new();
        Task served = server.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
        await RunCriuAsync(pid, "restore", "--restore-detached");

        await served.WaitAsync(CriuPatience, Token);
        Assert.True(server.AllServedWhole(out string? missing), missing);
        TestContext.Current.SendDiagnosticMessage($"served {server.Statistics!.Files.Count} files ({server.Statistics.Absent} absent), {server.Statistics.Bytes >> 20} MiB with {pool.Count} blocks");
    }

    private async Task RunCriuAsync(TaskCompletionSource<int> started, string verb, params string[] arguments)
    {
        string log = Path.Combine(Dir, verb + ".log");
        string empty = Directory.CreateDirectory(Path.Combine(Dir, "empty")).FullName;
        using Process criu = Process.Start(new ProcessStartInfo(
            Criu!,
            [
                verb, "--no-default-config", "--stream", "--images-dir", Dir, "--work-dir", Dir, "--libdir", empty, "--log-file", log, "-v4",
                "--manage-cgroups=ignore", "--network-lock", "skip", .. arguments,
            ]))!;
        started.SetResult(criu.Id);
        await criu.WaitForExitAsync(Token).WaitAsync(CriuPatience, Token);
        if (criu.ExitCode != 0)
        {
            string[] lines = await File.ReadAllLinesAsync(log, Token);
            Assert.Fail($"criu {verb} exited with {criu.ExitCode}:\n{string.Join('\n', lines.Where(l => l.Contains("Error", StringComparison.Ordinal)).Take(20))}");
        }
    }

    private async Task<int> StartWorkloadAsync(int mib, int children, int extents)
    {
        // A session of its own, nothing of ours open: CRIU dumps nothing that leads outside.
        string command = $"exec setsid python3 {Dir}/workload.py {Dir} {mib} {children} {extents} </dev/null >/dev/null 2>{Dir}/stderr";
        using Process process = Process.Start("bash", ["-c", command]);
        await WaitForFilesAsync("ready-*", children + 1);
        return process.Id;
    }

    private async Task<string[]> WaitForFilesAsync(string pattern, int count)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (true)
        {
            string[] files = Directory.GetFiles(Dir, pattern);
            if (files.Length >= count)
            {
                return files;
            }
            if (watch.Elapsed > CriuPatience)
            {
                Assert.Fail($"{files.Length} of {count} {pattern}; {await File.ReadAllTextAsync(Path.Combine(Dir, "stderr"), Token)}");
            }
            await Task.Delay(50, Token);
        }
    }

    // Only processes that run this test's own script.
    private void KillTree()
    {
        foreach (string ready in Directory.GetFiles(Dir, "ready-*"))
        {
            int pid = int.Parse(ready[(ready.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture);
            using PidFd? process = PidFd.Open(pid);
            string command = $"/proc/{pid}/cmdline";
            if (process is not null && File.Exists(command) && File.ReadAllText(command).Contains(Dir, StringComparison.Ordinal))
            {
                process.Signal(Signals.Kill);
            }
        }
    }

    private static string? FindUpwards(string relative)
    {
        for (DirectoryInfo? dir = new(AppContext.BaseDirectory); dir is not null; dir = dir.Parent)
        {
            string candidate = Path.Combine(dir.FullName, relative);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }
        return null;
    }
}
