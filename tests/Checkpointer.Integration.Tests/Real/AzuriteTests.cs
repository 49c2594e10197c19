using System.Diagnostics;
using Checkpointer.Testing;

namespace Checkpointer.Integration.Tests;

/// <summary>Real checkpoints through the emulator of Azure Blob Storage, by the command line.</summary>
public sealed class AzuriteTests
{
    private const int Kills = 50;
    private const int Seed = 20261;
    private const int Workloads = 8;

    [Fact]
    public async Task A_process_goes_on_from_a_blob_container()
    {
        using var azurite = Start();
        await using var lab = await CreateAsync(azurite);
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 64);
        var digest = (await counter.VerifyAsync()).Digest;

        var first = await lab.CheckpointAsync(counter.Pid, "--leave-running");
        var second = await lab.CheckpointAsync(counter.Pid);
        Assert.Equal(first.Id, second.Parent);
        Assert.True(second.BytesReused > 0, "nothing was reused from the parent");
        var restored = await lab.RestoreAsync(second.Id);
        await counter.MustCountAsync();
        Assert.Equal(digest, (await counter.VerifyAsync()).Digest);
        Assert.True(Processes.IsAlive(restored.Pid));

        var check = (await lab.CheckpointerAsync("check", "--data", "--json")).MustSucceed().Json;
        Assert.False(check.GetProperty("damaged").GetBoolean());
        (await lab.CheckpointerAsync("repository", "validate", "--size", "4M")).MustSucceed();
    }

    [Fact]
    [Trait("Length", "Long")]
    public async Task An_uploader_killed_fifty_times_loses_no_durable_snapshot_and_leaves_no_orphan_after_prune()
    {
        using var azurite = Start();
        await using var lab = await CreateAsync(azurite);
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 8);
        var clock = Stopwatch.StartNew();
        HashSet<string> durable = [(await lab.CheckpointAsync(counter.Pid, "--leave-running", "--full")).Id];
        var whole = clock.Elapsed;

        var random = new Random(Seed);
        var killed = 0;
        for (var i = 0; i < Kills; i++)
        {
            string[] full = random.Next(2) == 0 ? ["--full"] : [];
            await using var run = BackgroundRun.Checkpointer(
                lab, ["checkpoint", "--pid", $"{counter.Pid}", "--leave-running", "--embedded", "--json", .. full]);
            await Task.Delay(whole * random.NextDouble(), TestContext.Current.CancellationToken);
            Signals.TrySend(run.Pid, Signals.Kill);
            var outcome = await run.EndAsync();
            if (outcome.ExitCode == 0)
            {
                durable.Add(outcome.Json.GetProperty("snapshot").GetString()!);
            }
            else
            {
                Assert.Equal(BackgroundRun.KilledCode, outcome.ExitCode);
                killed++;
            }
        }

        // The run that mends what the last kill left.
        durable.Add((await lab.CheckpointAsync(counter.Pid, "--leave-running")).Id);
        Assert.True(killed >= Kills / 3, $"only {killed} of {Kills} kills came before the end");
        await counter.MustCountAsync();
        (await lab.CheckpointerAsync("unlock", "--json")).MustSucceed();
        (await lab.CheckpointerAsync("prune", "--grace", "0", "--json")).MustSucceed();

        var there = (await lab.SnapshotsAsync()).Select(s => s.Id).ToHashSet();
        Assert.True(durable.IsSubsetOf(there), $"lost: {string.Join(' ', durable.Except(there))}");
        await MustBeSoundAsync(lab);
        var rest = (await lab.CheckpointerAsync("prune", "--grace", "0", "--dry-run", "--json")).MustSucceed().Json;
        Assert.Empty(rest.GetProperty("deletions").EnumerateArray());
    }

    [Fact]
    [Trait("Length", "Long")]
    public async Task Eight_checkpoints_at_once_with_prune_running_keep_to_their_memory()
    {
        const long Memory = 64L << 20;
        using var azurite = Start();
        await using var lab = await CreateAsync(azurite);
        List<CounterWorkload> counters = [];
        for (var i = 0; i < Workloads; i++)
        {
            counters.Add(await CounterWorkload.StartAsync(lab, mebibytes: 16, workers: 1, name: $"counter-{i}"));
        }

        var runs = counters.Select(c => BackgroundRun.Checkpointer(
            lab, "checkpoint", "--pid", $"{c.Pid}", "--leave-running", "--embedded", "--json", "--memory", $"{Memory >> 20}M")).ToList();
        var ends = Task.WhenAll(runs.Select(r => r.EndAsync(TimeSpan.FromMinutes(4))));
        long peak = 0;
        var prunes = 0;
        while (!ends.IsCompleted)
        {
            (await lab.CheckpointerAsync("prune", "--grace", "0", "--json")).MustSucceed();
            prunes++;
            peak = Math.Max(peak, runs.Max(r => PeakBytes(r.Pid)));
        }

        var outcomes = await ends;
        Assert.All(outcomes, o => o.MustSucceed());
        Assert.True(prunes > 0);
        // The program itself, its runtime and its libraries are beside the budget.
        Assert.InRange(peak, 1, Memory + (96L << 20));
        Assert.Equal(Workloads, (await lab.SnapshotsAsync()).Count);
        await MustBeSoundAsync(lab);
        foreach (var run in runs)
        {
            await run.DisposeAsync();
        }
    }

    private static AzuriteServer Start()
    {
        Installation.SkipUnlessUsable();
        if (AzuriteServer.Missing(Installation.Root) is { } reason)
        {
            Assert.Skip(reason);
        }

        return AzuriteServer.Start(Installation.Root);
    }

    private static async Task<Lab> CreateAsync(AzuriteServer azurite)
    {
        var lab = Lab.Create();
        try
        {
            lab.Environment["CHECKPOINTER_REPO"] = azurite.Url("checkpoints", "lab/one");
            (await lab.CheckpointerAsync("init")).MustSucceed();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    private static async Task MustBeSoundAsync(Lab lab)
    {
        var check = (await lab.CheckpointerAsync("check", "--data", "--json")).MustSucceed().Json;
        Assert.False(check.GetProperty("damaged").GetBoolean());
    }

    /// <summary>The most that a process had in memory so far; 0 when it has ended.</summary>
    private static long PeakBytes(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), System.Globalization.CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
