using System.Diagnostics;
using System.Globalization;
using Checkpointer.Engine;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Checkpointer.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Bench;

/// <summary>
/// Restores one snapshot from a directory, from the same directory far away, and from Azurite, in turn, and downloads from Azurite the ranges that the restore read, with
/// as many requests at once and nothing else: the floor. Real CRIU, real processes.
/// </summary>
internal sealed class RestoreBench(string root, string folder, long memory) : IAsyncDisposable
{
    private const string Download = "bare download";
    private const int DownloadsAtOnce = 8;
    private const double TickSeconds = 0.01;

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(30);
    private static readonly (string Name, TimeSpan Latency)[] Distances =
        [("directory", TimeSpan.Zero), ("10 ms a request", TimeSpan.FromMilliseconds(10)), ("30 ms a request", TimeSpan.FromMilliseconds(30))];

    private readonly AzuriteServer _azurite = AzuriteServer.Start(root);
    private readonly Dictionary<string, List<Round>> _rounds = [];
    private DistantBackend _store = null!;
    private int _operation;

    private sealed record Round(double Seconds, double Cpu, double StoreCpu, int Requests, long Bytes);

    private string KeyPath => Path.Combine(folder, "key");

    private string Repository => Path.Combine(folder, "repo");

    public async Task RunAsync(int pid, int rounds)
    {
        string snapshot = await PrepareAsync(pid);
        for (int i = -1; i < rounds; i++)
        {
            // The first round warms up.
            foreach ((string name, TimeSpan latency) in Distances)
            {
                await RestoreAsync(i, name, snapshot, () => new DirectoryBackend(Repository), latency);
            }

            await RestoreAsync(i, "Azurite", snapshot, () => RepositoryUrl.Open(_azurite.Url("bench")), TimeSpan.Zero);
            await DownloadAsync(i, [.. _store.Ranges]);
            Console.Error.WriteLine($"round {i + 1} of {rounds}: " + string.Join(", ", _rounds.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Key} {r.Value[^1].Seconds:F2} s"))));
        }

        Print();
    }

    public ValueTask DisposeAsync()
    {
        _azurite.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string> PrepareAsync(int pid)
    {
        KeyFile key = KeyFile.LoadOrCreate(KeyPath);
        await using CheckpointRepository near = await CheckpointRepository.InitAsync(new DirectoryBackend(Repository), key, CancellationToken.None);
        CheckpointResult made = await Engine(() => new DirectoryBackend(Repository), TimeSpan.Zero).CheckpointAsync(
            "checkpoint", new CheckpointRequest { Pid = pid, Repository = Repository, KeyFile = KeyPath, MemoryBytes = memory }, null, CancellationToken.None);
        await using CheckpointRepository far = await CheckpointRepository.InitAsync(RepositoryUrl.Open(_azurite.Url("bench")), key, CancellationToken.None);
        IReadOnlyList<CopyResult> copied = await new RepositoryCopy(near, far, new CopyOptions()).RunAsync([SnapshotId.Parse(made.Snapshot)], null, CancellationToken.None);
        Console.Error.WriteLine($"stored {made.BytesStored >> 20} MiB of {made.BytesCaptured >> 20} MiB; copied: {copied[0].Outcome}");
        return made.Snapshot;
    }

    private CheckpointEngine Engine(Func<IBackend> open, TimeSpan latency) => new(
        new EngineOptions
        {
            StateDirectory = Path.Combine(folder, "state"),
            RunDirectory = Path.Combine(folder, "run"),
            ShimDirectory = Path.Combine(root, "artifacts", "bin"),
            CriuPath = Environment.GetEnvironmentVariable("CHECKPOINTER_CRIU"),
        },
        NullLoggerFactory.Instance,
        TimeProvider.System,
        _ => _store = new DistantBackend(open(), latency));

    private async Task RestoreAsync(int round, string name, string snapshot, Func<IBackend> open, TimeSpan latency)
    {
        CheckpointEngine engine = Engine(open, latency);
        RestoreResult result = null!;
        await MeasureAsync(round, name, async () => result = await engine.RestoreAsync(
            $"restore-{_operation++}",
            new RestoreRequest { Snapshot = snapshot, Repository = Repository, KeyFile = KeyPath, MemoryBytes = memory, Stdout = "/dev/null", Stderr = "/dev/null", Force = true },
            null,
            CancellationToken.None));
        using PidFd tree = PidFd.Open(result.Pid) ?? throw new InvalidOperationException($"{result.Pid} ended before its time");
        tree.Signal(Signals.Kill);
        tree.WaitExit(EndPatience, CancellationToken.None);
    }

    private async Task DownloadAsync(int round, (string Name, long Offset, int Length)[] ranges)
    {
        await using IBackend store = _store = new DistantBackend(RepositoryUrl.Open(_azurite.Url("bench")), TimeSpan.Zero);
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = DownloadsAtOnce };
        await MeasureAsync(round, Download, () => Parallel.ForEachAsync(ranges, parallel, async (range, token) =>
        {
            byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(range.Length);
            await store.ReadSealedAsync(range.Name, range.Offset, buffer.AsMemory(0, range.Length), token);
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }));
    }

    private async Task MeasureAsync(int round, string name, Func<Task> step)
    {
        GC.Collect();
        double store = StoreSeconds();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        await step();
        Round measured = new(
            Stopwatch.GetElapsedTime(start).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            StoreSeconds() - store,
            _store.Ranges.Count,
            _store.Ranges.Sum(static r => (long)r.Length));
        if (!_rounds.TryGetValue(name, out List<Round>? rounds))
        {
            _rounds[name] = rounds = [];
        }

        if (round == 0)
        {
            rounds.Clear();
        }

        rounds.Add(measured);
    }

    private double StoreSeconds()
    {
        string stat = File.ReadAllText($"/proc/{_azurite.Pid}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) * TickSeconds;
    }

    private void Print()
    {
        double yardstick = Median(_rounds[Distances[0].Name], static r => r.Seconds);
        Console.WriteLine($"\nmedians of {_rounds[Distances[0].Name].Count} interleaved rounds, {Environment.ProcessorCount} cores, --memory {ByteSize.Format(memory)}");
        Console.WriteLine($"{"",-20} {"seconds",8} {"ratio",6} {"our CPU-s",10} {"store's",8} {"requests",9} {"MiB",7}");
        foreach ((string name, List<Round> rounds) in _rounds)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-20} {Median(rounds, r => r.Seconds),8:F2} {Median(rounds, r => r.Seconds) / yardstick,6:F2} {Median(rounds, r => r.Cpu),10:F2} {Median(rounds, r => r.StoreCpu),8:F2} {Median(rounds, r => r.Requests),9:F0} {Median(rounds, r => r.Bytes) / (1 << 20),7:F0}"));
        }
    }

    private static double Median(List<Round> rounds, Func<Round, double> of) => rounds.Select(of).Order().ElementAt(rounds.Count / 2);
}
