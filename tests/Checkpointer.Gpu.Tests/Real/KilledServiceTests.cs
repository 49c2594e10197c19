using System.Diagnostics;
using System.Text.Json.Nodes;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>The engine gets SIGKILL at each step of its GPU part; the next start brings every process back.</summary>
public sealed class KilledServiceTests
{
    private const int Killed = 137;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Locking, locked, Checkpointing, checkpointed, Checkpointed; after the dump: Resuming, restored, unlocked.</summary>
    public static TheoryData<int> CheckpointSteps => [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>Awaited, Restoring, restored, unlocked.</summary>
    public static TheoryData<int> RestoreSteps => [1, 2, 3, 4];

    [Theory]
    [MemberData(nameof(CheckpointSteps))]
    public async Task A_checkpoint_that_was_cut_off_leaves_a_running_process(int step)
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node);
        var killed = Run(bench, Plan(bench, step, checkpoint: sample));
        Assert.Equal((Killed, step), (killed.Code, killed.Steps));

        var report = await bench.RecoverAsync();
        var recovered = Assert.Single(report.Operations);
        Assert.True(recovered.Outcome is "rolled-back" or "durable-and-running", recovered.Message);
        Assert.Equal((int)CudaState.Running, await bench.StateAsync(sample));
        sample.AssertGoesOn();
        Assert.Empty((await bench.RecoverAsync()).Operations);
    }

    [Theory]
    [MemberData(nameof(RestoreSteps))]
    public async Task A_restore_that_was_cut_off_runs_or_leaves_nothing(int step)
    {
        Installation.RequireCriu();
        using var node = new SimulatedNode("a", "h100", "gpus=1");
        using var bench = new EngineBench(node);
        await bench.InitAsync();
        using var sample = new Sample(node);
        var result = await bench.Engine.CheckpointAsync("op-0", bench.Checkpoint(sample, leaveRunning: false), null, CancellationToken.None);
        Sample.Wait(() => !sample.IsAlive, "the end of the checkpointed process");
        var killed = Run(bench, Plan(bench, step, snapshot: result.Snapshot));
        Assert.Equal((Killed, step), (killed.Code, killed.Steps));

        var recovered = Assert.Single((await bench.RecoverAsync()).Operations);
        if (recovered.Outcome == "tree-killed")
        {
            // Its hook was never answered, so CRIU gave up.
            Assert.Equal(1, step);
            return;
        }

        Assert.True(recovered.Outcome == "tree-adopted", $"{recovered.Outcome}: {recovered.Message}");
        var tree = bench.Services.Trees.Read("op-1")!;
        using var restored = new RestoredTree(
            new Engine.RestoreResult { Snapshot = result.Snapshot, Pid = tree.RootPid, Log = "", Operation = "op-1", Timings = [], Findings = [] }, sample.Log);
        restored.AssertGoesOn();
    }

    private static JsonObject Plan(EngineBench bench, int step, Sample? checkpoint = null, string? snapshot = null)
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
            request["pid"] = checkpoint.Pid;
            request["leaveRunning"] = true;
            plan["checkpoint"] = request;
        }
        else
        {
            request["snapshot"] = snapshot;
            plan["restore"] = request;
        }

        return plan;
    }

    private static (int Code, int Steps) Run(EngineBench bench, JsonObject plan)
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
        lock (lines)
        {
            Assert.True(process.HasExited, string.Join('\n', lines));
            return (process.ExitCode, lines.Count(static l => l.StartsWith("gpu step ", StringComparison.Ordinal)));
        }
    }
}
