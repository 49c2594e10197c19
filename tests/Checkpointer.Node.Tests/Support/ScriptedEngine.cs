using System.Collections.Concurrent;

namespace Checkpointer.Node.Tests;

/// <summary>An engine that does what a test says. By default everything succeeds at once.</summary>
internal sealed class ScriptedEngine : IEngine
{
    public ConcurrentQueue<string> Calls { get; } = new();

    public Func<string, CheckpointRequest, IProgress<OperationProgress>?, CancellationToken, Task<CheckpointResult>> OnCheckpoint
    {
        get;
        set;
    } = (id, request, _, _) => Task.FromResult(Result(id, request));

    public Func<string, RestoreRequest, IProgress<OperationProgress>?, CancellationToken, Task<RestoreResult>> OnRestore { get; set; } =
        (id, request, _, _) => Task.FromResult(Result(id, request));

    public Func<int, Task<PreflightReport>> OnPreflightProcess { get; set; } =
        pid => Task.FromResult(new PreflightReport { Subject = $"pid {pid}", Refuses = false, Findings = [] });

    public Func<RestoreRequest, Task<PreflightReport>> OnPreflightSnapshot { get; set; } =
        request => Task.FromResult(new PreflightReport { Subject = request.Snapshot!, Refuses = false, Findings = [] });

    public Func<CancellationToken, Task<RecoveryReport>> OnRecover { get; set; } =
        _ => Task.FromResult(new RecoveryReport { Operations = [] });

    public Func<string, CancellationToken, Task<TreeExit>> OnWaitForTree { get; set; } = (_, _) => Task.FromResult(new TreeExit(0, null));

    public Task<CheckpointResult> CheckpointAsync(
        string operationId, CheckpointRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"checkpoint {request.Container ?? $"{request.Pid}"}");
        return OnCheckpoint(operationId, request, progress, cancellationToken);
    }

    public Task<RestoreResult> RestoreAsync(
        string operationId, RestoreRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"restore {request.Snapshot ?? request.Latest}");
        return OnRestore(operationId, request, progress, cancellationToken);
    }

    public Task<PreflightReport> PreflightProcessAsync(int pid, PreflightOptions options, CancellationToken cancellationToken) => OnPreflightProcess(pid);

    public Task<PreflightReport> PreflightContainerAsync(string container, PreflightOptions options, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"preflight {container}");
        return Task.FromResult(new PreflightReport { Subject = $"container {container}", Refuses = false, Findings = [] });
    }

    public Task<PreflightReport> PreflightPodAsync(string pod, PreflightOptions options, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"preflight pod {pod}");
        return Task.FromResult(new PreflightReport { Subject = $"pod {pod}", Refuses = false, Findings = [] });
    }

    public Task<PreflightReport> PreflightSnapshotAsync(RestoreRequest request, CancellationToken cancellationToken)
    {
        return OnPreflightSnapshot(request);
    }

    public Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken) => OnRecover(cancellationToken);

    public Task<TreeExit> WaitForTreeAsync(string operationId, CancellationToken cancellationToken) =>
        OnWaitForTree(operationId, cancellationToken);

    public Task SignalTreeAsync(string operationId, int signal, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"signal {operationId} {signal}");
        return Task.CompletedTask;
    }

    public static CheckpointResult Result(string id, CheckpointRequest request) => new()
    {
        Snapshot = "00112233445566778899aabbccddeeff-1",
        Lineage = "00112233445566778899aabbccddeeff",
        Generation = 1,
        Name = request.Name,
        BytesCaptured = 1000,
        BytesStored = 300,
        Durable = true,
        WorkloadRunning = request.LeaveRunning,
        FrozenMs = 120,
        CriuFrozenMs = 100,
        Timings = new() { ["inspect"] = 5, ["dump"] = 100, ["total"] = 130, ["unaccounted"] = 25 },
        Findings = [],
        Operation = id,
    };

    public static RestoreResult Result(string id, RestoreRequest request) => new()
    {
        Snapshot = request.Snapshot ?? "latest",
        Pid = Environment.ProcessId,
        Log = "/var/lib/checkpointer/trees/x/output.log",
        Timings = new() { ["load"] = 5, ["restore"] = 100 },
        Findings = [],
        Operation = id,
    };
}
