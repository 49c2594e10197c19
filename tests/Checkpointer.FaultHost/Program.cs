using System.Text.Json;
using Checkpointer.Engine;
using Checkpointer.FaultHost;
using Checkpointer.Repository;
using Checkpointer.Testing;
using Microsoft.Extensions.Logging.Abstractions;

var plan = JsonSerializer.Deserialize(File.ReadAllBytes(args[0]), FaultJson.Default.FaultPlan)!;
var progress = new PhaseFaults(plan);
// The engine opens the store again to look at it after a failure: every one counts.
var opened = new System.Collections.Concurrent.ConcurrentQueue<FaultBackend>();
var engine = new CheckpointEngine(
    new EngineOptions
    {
        StateDirectory = plan.StateDirectory,
        RunDirectory = plan.RunDirectory,
        ShimDirectory = plan.ShimDirectory,
        CriuPath = plan.CriuPath,
        Gpu = new GpuOptions { CudaLibrary = plan.CudaLibrary, NvmlLibrary = plan.NvmlLibrary },
        StallLimit = TimeSpan.FromSeconds(plan.StallLimitSeconds),
    },
    NullLoggerFactory.Instance,
    TimeProvider.System,
    url =>
    {
        var faults = new FaultBackend(new DyingBackend(RepositoryUrl.Open(url), plan.DieBeforeObject, plan.DieAfterObject, plan.DieAfterBytes))
        {
            FailAfterBytes = plan.FailAfterBytes,
            FailCommits = plan.FailObject is not null,
            Full = plan.Full,
            Struck = static () => Console.Error.WriteLine("fault struck"),
        };
        if ((plan.StallObject ?? plan.FailObject) is { } prefix)
        {
            faults.Applies = name => name.StartsWith(prefix, StringComparison.Ordinal);
        }

        if (plan.StallObject is not null)
        {
            faults.Stall();
        }

        opened.Enqueue(faults);
        return progress.Store = faults;
    });
var gpuSteps = 0;
engine.GpuStepReached = step =>
{
    Console.Error.WriteLine($"gpu step {step}");
    if (++gpuSteps == plan.DieAtGpuStep)
    {
        DyingBackend.Die();
    }
};
var report = new FaultReport();
try
{
    if (plan.Recover)
    {
        report = report with { Recovery = await engine.RecoverAsync(CancellationToken.None) };
    }

    if (plan.Checkpoint is { } checkpoint)
    {
        report = report with { Checkpoint = await engine.CheckpointAsync(plan.Operation, checkpoint, progress, CancellationToken.None) };
    }

    if (plan.Restore is { } restore)
    {
        report = report with { Restore = await engine.RestoreAsync(plan.Operation, restore, progress, CancellationToken.None) };
    }
}
catch (Exception e)
{
    report = report with { Error = ErrorReport.From(e) };
    await Console.Error.WriteLineAsync(e.ToString());
}

report = report with { Fired = opened.Sum(static f => f.Fired) };
Console.WriteLine(JsonSerializer.Serialize(report, FaultJson.Default.FaultReport));
return report.Error?.ExitCode ?? 0;
