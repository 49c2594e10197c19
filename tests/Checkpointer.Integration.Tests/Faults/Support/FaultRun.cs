using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Checkpointer.Integration.Tests;

/// <summary>One run of <c>Checkpointer.FaultHost</c> in a lab: started, paused, killed, ended.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    internal const int KilledCode = 137;

    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);
    private static readonly JsonSerializerOptions PlanJson = new(JsonSerializerDefaults.Web);

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly Task<string> _output;
    private readonly string _planFile;

    private FaultRun(Lab lab, string operation, FaultPlan plan)
    {
        Operation = operation;
        Lab = lab;
        _planFile = Path.Combine(lab.Directory, $"plan-{operation}.json");
        File.WriteAllText(_planFile, Json(lab, operation, plan));
        var start = new ProcessStartInfo(Installation.FaultHost, [_planFile])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = lab.Directory,
        };
        foreach (var (name, value) in lab.AllSettings())
        {
            if (value is null)
            {
                start.Environment.Remove(name);
            }
            else
            {
                start.Environment[name] = value;
            }
        }

        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => Remember(line.Data);
        _process.BeginErrorReadLine();
        _output = _process.StandardOutput.ReadToEndAsync();
    }

    internal string Operation { get; }

    internal Lab Lab { get; }

    internal int Pid => _process.Id;

    /// <summary>Everything that it said on stderr so far.</summary>
    internal string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    internal string RunDirectory => Path.Combine(Lab.RunDirectory, Operation);

    internal static FaultRun Start(Lab lab, FaultPlan plan)
    {
        Assert.True(File.Exists(Installation.FaultHost), $"not built: {Installation.FaultHost}");
        return new FaultRun(lab, "f" + RandomNumberGenerator.GetHexString(10, lowercase: true), plan);
    }

    /// <summary>Runs it to its end.</summary>
    internal static async Task<FaultOutcome> RunAsync(Lab lab, FaultPlan plan)
    {
        await using var run = Start(lab, plan);
        return await run.EndAsync();
    }

    /// <summary>Recovers, as every start does: what became of the operations that were left.</summary>
    internal static async Task<IReadOnlyList<RecoveredAnswer>> RecoverAsync(Lab lab)
    {
        var outcome = await RunAsync(lab, new FaultPlan { Recover = true });
        Assert.True(outcome.ExitCode == 0, "the recovery failed: " + outcome);
        return outcome.Report!.Recovery!.Operations;
    }

    /// <summary>Waits until it stands still at the beginning of the phase.</summary>
    internal Task PausedAsync(string phase) => Eventually.TrueAsync(
        $"pause at {phase}; it said: {Errors}", TimeSpan.FromSeconds(60), () => Errors.Contains("paused " + phase, StringComparison.Ordinal) || Over());

    internal void Resume()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
    }

    internal void Kill() => _process.Kill();

    internal async Task<FaultOutcome> EndAsync(TimeSpan? limit = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(limit ?? DefaultLimit);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new Xunit.Sdk.XunitException($"the fault host did not end; it said: {Errors}");
        }

        var text = await _output;
        var report = text.Length == 0 ? null : JsonSerializer.Deserialize(text, FaultReportJson.Default.FaultReport);
        return new FaultOutcome(_process.ExitCode, report, Errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
        File.Delete(_planFile);
    }

    private static string Json(Lab lab, string operation, FaultPlan plan)
    {
        var filled = plan with
        {
            Checkpoint = plan.Checkpoint is { } c ? c with { Repository = lab.Repository, KeyFile = lab.KeyFile } : null,
            Restore = plan.Restore is { } r ? r with { Repository = lab.Repository, KeyFile = lab.KeyFile } : null,
        };
        var json = JsonSerializer.SerializeToNode(filled, PlanJson)!.AsObject();
        json["operation"] = operation;
        json["stateDirectory"] = lab.StateDirectory;
        json["runDirectory"] = lab.RunDirectory;
        json["shimDirectory"] = Installation.Bin;
        json["criuPath"] = Installation.Criu;
        return json.ToJsonString();
    }

    private bool Over()
    {
        Assert.False(_process.HasExited, $"the fault host ended with {(_process.HasExited ? _process.ExitCode : 0)}; it said: {Errors}");
        return false;
    }

    private void Remember(string? line)
    {
        lock (_errors)
        {
            _errors.AppendLine(line);
        }
    }
}

/// <summary>How a run of the fault host ended; no report when it was killed.</summary>
internal sealed record FaultOutcome(int ExitCode, FaultReport? Report, string Stderr)
{
    /// <summary>It died by the SIGKILL that the plan ordered: the fault happened.</summary>
    internal void MustBeKilled() => Assert.True(ExitCode == FaultRun.KilledCode, $"expected it to be killed: {this}");

    /// <summary>It ended with this exit code and error.</summary>
    internal ErrorAnswer MustFail(int exitCode, string code)
    {
        Assert.True(ExitCode == exitCode && Report?.Error?.Code == code, $"expected exit code {exitCode} and {code}: {this}");
        return Report!.Error!;
    }

    internal FaultReport MustSucceed()
    {
        Assert.True(ExitCode == 0 && Report?.Error is null, $"expected success: {this}");
        return Report!;
    }
}
