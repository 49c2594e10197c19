using System.Diagnostics;
using System.Globalization;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Bench;

/// <summary>
/// What a container's files cost while it is frozen: all of them captured then, or stored before and only compared then. In turns, into a
/// directory repository; nothing changes in between, one file in a hundred does, or all do.
/// </summary>
internal static class FilesBench
{
    private const int Rounds = 5;
    private const int FileBytes = 256 << 10;
    private const long Memory = 512L << 20;

    public static async Task RunAsync(string place, int mebibytes)
    {
        DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(place, $"checkpointer-files-{Environment.ProcessId}"));
        try
        {
            string tree = folder.CreateSubdirectory("tree").FullName;
            int files = (int)(((long)mebibytes << 20) / FileBytes);
            for (int i = 0; i < files; i++)
            {
                Write(tree, i, i);
            }

            KeyFile key = KeyFile.LoadOrCreate(Path.Combine(folder.FullName, "key"));
            Dictionary<string, List<(double Early, double Frozen)>> results = [];
            for (int round = 0; round <= Rounds; round++)
            {
                foreach ((string name, bool early, int changes) in (IEnumerable<(string, bool, int)>)[
                    ("captured frozen", false, 0), ("stored before", true, 0), ("stored before, 1 % changed", true, files / 100), ("stored before, all changed", true, files)])
                {
                    (double, double) result = await OneAsync(folder.FullName, tree, key, early, () =>
                    {
                        for (int i = 0; i < changes; i++)
                        {
                            Write(tree, i, i + (round * files) + changes);
                        }
                    });
                    if (round > 0)
                    {
                        results.TryAdd(name, []);
                        results[name].Add(result);
                    }
                }
            }

            foreach ((string name, List<(double Early, double Frozen)> rounds) in results)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name,-30} before {Median(rounds.Select(static r => r.Early)),7:F0} ms   frozen {Median(rounds.Select(static r => r.Frozen)),7:F0} ms   ({string.Join(", ", rounds.Select(static r => r.Frozen.ToString("F0", CultureInfo.InvariantCulture)))})"));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(double Early, double Frozen)> OneAsync(string folder, string tree, KeyFile key, bool early, Action change)
    {
        string store = Path.Combine(folder, "store");
        await using CheckpointRepository repository = await CheckpointRepository.InitAsync(new DirectoryBackend(store), key, CancellationToken.None);
        using BlockPool pool = new(Memory);
        pool.Prefault(CancellationToken.None);
        long content = Directory.EnumerateFiles(tree).Sum(static f => new FileInfo(f).Length);
        WriterOptions options = new() { Pool = pool, EarlyMemory = early ? WriterOptions.EarlyMemoryFor(content) : 0 };
        (double, double) result;
        await using (SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), options, CancellationToken.None))
        {
            FileTreeCapture capture = new(writer, pool);
            using var root = RootedOpen.OpenRoot(tree);
            FileTreeSource source = new(root, "/", FileTreeKind.Directory, 1, []);
            long start = Stopwatch.GetTimestamp();
            if (early)
            {
                writer.Hurry = false;
                capture.ReadEarly(source, CancellationToken.None);
                await writer.EndEarlyAsync(CancellationToken.None);
                writer.Hurry = true;
            }

            double before = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            change();
            start = Stopwatch.GetTimestamp();
            capture.Capture(source, CancellationToken.None);
            await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UnixEpoch, Node = "bench", Intent = "final" }, CancellationToken.None);
            result = (before, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        Directory.Delete(store, recursive: true);
        return result;
    }

    private static void Write(string tree, int file, int seed)
    {
        byte[] bytes = new byte[FileBytes];
        new Random(seed).NextBytes(bytes);
        File.WriteAllBytes(Path.Combine(tree, file.ToString(CultureInfo.InvariantCulture)), bytes);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
