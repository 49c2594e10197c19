using System.Security.Cryptography;
using System.Text.Json;

namespace Checkpointer.Integration.Tests;

/// <summary>One run of <c>Checkpointer.FaultHost</c> in a lab: started, paused, killed, ended.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private static readonly JsonSerializerOptions PlanJson = new(JsonSerializerDefaults.Web);

    private readonly BackgroundRun _run;
    private readonly string _planFile;

    private FaultRun(Lab lab, FaultPlan plan)
    {
        Assert.True(File.Exists(Installation.FaultHost), $"not built: {Installation.FaultHost}");
        Lab = lab;
        Operation = "f" + RandomNumberGenerator.GetHexString(10, lowercase: true);
        _planFile = Path.Combine(lab.Directory, $"plan-{Operation}.json");
        File.WriteAllText(_planFile, Json(plan));
        _run = BackgroundRun.Start(lab, Installation.FaultHost, _planFile);
    }

    internal string Operation { get; }

    internal Lab Lab { get; }

    internal int Pid => _run.Pid;

    /// <summary>The socket that the hook connects to.</summary>
    internal string HookSocket => Path.Combine(Assert.Single(Lab.OperationDirectories()), "hook.sock");

    internal static FaultRun Start(Lab lab, FaultPlan plan) => new(lab, plan);

    /// <summary>Runs it to its end.</summary>
    internal static async Task<FaultOutcome> RunAsync(Lab lab, FaultPlan plan)
    {
        await using var run = Start(lab, plan);
        return await run.EndAsync();
    }

    /// <summary>Recovers, as every start does: what became of the operations that were left.</summary>
    internal static async Task<IReadOnlyList<RecoveredAnswer>> RecoverAsync(Lab lab) =>
        (await RunAsync(lab, new FaultPlan { Recover = true })).MustSucceed().Recovery!.Operations;

    /// <summary>Waits until it stands still at the beginning of the phase.</summary>
    internal Task PausedAsync(string phase) => _run.SaysAsync("paused " + phase);

    /// <summary>Waits until a fault of the store has struck.</summary>
    internal Task StruckAsync() => _run.SaysAsync("fault struck");

    internal void Resume() => _run.WriteLine();

    internal async Task<FaultOutcome> EndAsync()
    {
        var outcome = await _run.EndAsync();
        var report = outcome.Stdout.Length == 0 ? null : JsonSerializer.Deserialize(outcome.Stdout, FaultReportJson.Default.FaultReport);
        return new FaultOutcome(report, outcome);
    }

    public async ValueTask DisposeAsync()
    {
        await _run.DisposeAsync();
        if (File.Exists(_planFile))
        {
            File.Delete(_planFile);
        }
    }

    private string Json(FaultPlan plan)
    {
        var filled = plan with
        {
            Checkpoint = plan.Checkpoint is { } c ? c with { Repository = Lab.Repository, KeyFile = Lab.KeyFile } : null,
            Restore = plan.Restore is { } r ? r with { Repository = Lab.Repository, KeyFile = Lab.KeyFile } : null,
        };
        var json = JsonSerializer.SerializeToNode(filled, PlanJson)!.AsObject();
        json["operation"] = Operation;
        json["stateDirectory"] = Lab.StateDirectory;
        json["runDirectory"] = Lab.RunDirectory;
        json["shimDirectory"] = Installation.Bin;
        json["criuPath"] = Installation.Criu;
        return json.ToJsonString();
    }
}

/// <summary>How a run of the fault host ended; no report when it was killed.</summary>
internal sealed record FaultOutcome(FaultReport? Report, Outcome Outcome)
{
    /// <summary>It died by the SIGKILL that the plan ordered: the fault happened.</summary>
    internal void MustBeKilled() => Outcome.MustExit(BackgroundRun.KilledCode);

    /// <summary>It ended with this exit code and error.</summary>
    internal ErrorAnswer MustFail(int exitCode, string code)
    {
        Assert.True(Outcome.ExitCode == exitCode && Report?.Error?.Code == code, $"expected exit code {exitCode} and {code}: {Outcome}");
        return Report!.Error!;
    }

    internal FaultReport MustSucceed()
    {
        Outcome.MustSucceed();
        return Report!;
    }
}
