using System.Diagnostics;
using System.Text.Json.Nodes;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>The engine gets SIGKILL at each step of its GPU part; the next start brings every process back.</summary>
public sealed class KilledServiceTests
{
    private const int Killed = 137;

    /// <summary>How the fault host tells a step.</summary>
    private const string Step = "gpu step ";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(10);

    /// <summary>Every step of a checkpoint, of one program and of two that live on, and of two that end.</summary>
    public static TheoryData<int, bool, int, string> CheckpointSteps()
    {
        TheoryData<int, bool, int, string> data = [];
        foreach (var (programs, leaveRunning) in new[] { (1, true), (2, true), (2, false) })
        {
            List<string> steps = ["Locking", .. Each(programs, "locked"), "Checkpointing", .. Each(programs, "checkpointed"), "Checkpointed"];
            if (leaveRunning)
            {
                steps.AddRange(["Resuming", .. Each(programs, "restored"), .. Each(programs, "unlocked")]);
            }

            for (var i = 0; i < steps.Count; i++)
            {
                data.Add(programs, leaveRunning, i + 1, steps[i]);
            }
        }

        return data;
    }

    /// <summary>Every step of a restore, of one program and of two.</summary>
    public static TheoryData<int, int, string> RestoreSteps()
    {
        TheoryData<int, int, string> data = [];
        foreach (var programs in new[] { 1, 2 })
        {
            List<string> steps = ["Awaited", "Restoring", .. Each(programs, "restored"), .. Each(programs, "unlocked")];
            for (var i = 0; i < steps.Count; i++)
            {
                data.Add(programs, i + 1, steps[i]);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(CheckpointSteps))]
    public async Task A_checkpoint_that_was_cut_off_leaves_running_processes(int programs, bool leaveRunning, int step, string name)
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var tree = new SampleTree(node, programs);
        var killed = Run(bench, Plan(bench, step, checkpoint: tree.Root.Pid, leaveRunning: leaveRunning), step);
        Assert.Equal((Killed, step, name), (killed.Code, killed.Steps.Count, killed.Steps[^1]));

        var report = await bench.RecoverAsync();
        var recovered = Assert.Single(report.Operations);
        Assert.True(recovered.Outcome == "rolled-back" || (leaveRunning && recovered.Outcome == "durable-and-running"), recovered.Message);
        await MustRunAsync(bench, tree);
    }

    [Theory]
    [InlineData("phase commit", "rolled-back")]
    [InlineData("object snapshots/", "durable-and-running")]
    [InlineData("phase end", "durable-and-gone")]
    public async Task A_checkpoint_that_ends_its_tree_leaves_a_snapshot_or_running_processes(string where, string outcome)
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var tree = new SampleTree(node);
        var plan = Plan(bench, 0, checkpoint: tree.Root.Pid, leaveRunning: false);
        plan[where.StartsWith("phase", StringComparison.Ordinal) ? "dieAtPhase" : "dieAfterObject"] = where.Split(' ')[1];
        var killed = Run(bench, plan, steps: 7);
        Assert.Equal((Killed, "Checkpointed"), (killed.Code, killed.Steps[^1]));

        var recovered = Assert.Single((await bench.RecoverAsync()).Operations);
        Assert.True(recovered.Outcome == outcome, $"{recovered.Outcome}: {recovered.Message}");
        if (outcome != "durable-and-gone")
        {
            await MustRunAsync(bench, tree);
            return;
        }

        Sample.Wait(() => !tree.IsAlive, "the end of the tree");
        await bench.Engine.RestoreAsync("op-2", bench.Restore(recovered.Snapshot!), null, CancellationToken.None);
        Assert.All(tree.Samples, static s => s.AssertGoesOn());
    }

    [Theory]
    [MemberData(nameof(RestoreSteps))]
    public async Task A_restore_that_was_cut_off_runs_or_leaves_nothing(int programs, int step, string name)
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var tree = new SampleTree(node, programs);
        var result = await bench.Engine.CheckpointAsync("op-0", bench.Checkpoint(tree.Root.Pid, leaveRunning: false), null, CancellationToken.None);
        Sample.Wait(() => !tree.IsAlive, "the end of the checkpointed processes");
        var killed = Run(bench, Plan(bench, step, snapshot: result.Snapshot), step);
        Assert.Equal((Killed, step, name), (killed.Code, killed.Steps.Count, killed.Steps[^1]));

        var recovered = Assert.Single((await bench.RecoverAsync()).Operations);
        if (recovered.Outcome == "tree-killed")
        {
            // Its hook was never answered, so CRIU gave up.
            Assert.Equal("Awaited", name);
            return;
        }

        // The tree ends with its operation's cgroup, when the bench goes.
        Assert.True(recovered.Outcome == "tree-adopted", $"{recovered.Outcome}: {recovered.Message}");
        Assert.All(tree.Samples, static s => s.AssertGoesOn());
    }

    private static IEnumerable<string> Each(int programs, string step) => Enumerable.Repeat(step, programs);

    private static async Task MustRunAsync(EngineBench bench, SampleTree tree)
    {
        foreach (var sample in tree.Samples)
        {
            Assert.Equal((int)CudaState.Running, await bench.StateAsync(sample));
            sample.AssertGoesOn();
        }

        Assert.Empty((await bench.RecoverAsync()).Operations);
    }

    private static JsonObject Plan(EngineBench bench, int step, int? checkpoint = null, bool leaveRunning = true, string? snapshot = null)
    {
        JsonObject plan = new()
        {
            ["stateDirectory"] = bench.Options.StateDirectory,
            ["runDirectory"] = bench.Options.RunDirectory,
            ["shimDirectory"] = bench.Options.ShimDirectory,
            ["criuPath"] = bench.Options.CriuPath,
            ["cudaLibrary"] = bench.Options.Gpu.CudaLibrary,
            ["nvmlLibrary"] = bench.Options.Gpu.NvmlLibrary,
            ["dieAtGpuStep"] = step,
            ["operation"] = "op-1",
        };
        JsonObject request = new() { ["repository"] = bench.Repository, ["keyFile"] = bench.KeyFile, ["memoryBytes"] = 64 << 20 };
        if (checkpoint is not null)
        {
            request["pid"] = checkpoint;
            request["leaveRunning"] = leaveRunning;
            plan["checkpoint"] = request;
        }
        else
        {
            request["snapshot"] = snapshot;
            plan["restore"] = request;
        }

        return plan;
    }

    private static (int Code, List<string> Steps) Run(EngineBench bench, JsonObject plan, int steps)
    {
        var file = Path.Combine(bench.Folder, "plan.json");
        File.WriteAllText(file, plan.ToJsonString());
        using var process = Process.Start(new ProcessStartInfo(Installation.FaultHost, [file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        // What it started may hold its streams open after its death: they are read as lines, and not waited for.
        List<string> lines = [];
        process.ErrorDataReceived += (_, e) =>
        {
            lock (lines)
            {
                lines.Add(e.Data ?? "");
            }
        };
        process.OutputDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        using var late = new CancellationTokenSource(Limit);
        Sample.Wait(() => process.HasExited || late.IsCancellationRequested, "the end of the fault host");
        Assert.True(process.HasExited);

        // Its last words may still be on their way.
        for (var waited = Stopwatch.StartNew(); Steps().Count < steps && waited.Elapsed < LastWords;)
        {
            Thread.Sleep(10);
        }

        return (process.ExitCode, Steps());

        List<string> Steps()
        {
            lock (lines)
            {
                return [.. lines.Where(static l => l.StartsWith(Step, StringComparison.Ordinal)).Select(static l => l[Step.Length..].Split(' ')[0])];
            }
        }
    }
}
