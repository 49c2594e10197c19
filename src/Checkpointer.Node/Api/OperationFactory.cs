using System.Text.Json;

namespace Checkpointer.Node;

/// <summary>Makes operations of requests: pids and repositories resolved, what can be refused before the queue refused.</summary>
internal sealed class OperationFactory(IEngine engine, RepositoryAccess repositories, CallerPids pids, NodeBudget budget, TimeProvider time)
{
    public Operation Checkpoint(CheckpointRequest request, PeerIdentity caller)
    {
        CheckMemory(request.MemoryBytes);
        CheckLists(request);
        var repository = repositories.Resolve(request.Repository, request.KeyFile);
        bool[] named = [request.Pid is not null, !string.IsNullOrEmpty(request.Container), !string.IsNullOrEmpty(request.Pod)];
        if (named.Count(static n => n) != 1)
        {
            throw new UsageException("bad-request", "A checkpoint names either a pid, a container or a pod.");
        }

        var pid = request.Pid is { } given ? pids.Target(caller.Pid, given) : (int?)null;
        var resolved = request with { Pid = pid, Repository = repository.Url, KeyFile = repository.KeyFile, MemoryBytes = Buffers(request.MemoryBytes) };
        var subject = !string.IsNullOrEmpty(request.Pod) ? $"pod {request.Pod}" : pid is null ? $"container {request.Container}" : pid == request.Pid ? $"pid {pid}" : $"pid {pid} (the caller's {request.Pid})";
        return Create(OperationKinds.Checkpoint, subject, resolved.MemoryBytes, async (id, progress, cancellationToken) =>
        {
            var result = await engine.CheckpointAsync(id, resolved, progress, cancellationToken).ConfigureAwait(false);
            var figures = new OperationFigures(result.Timings, result.BytesCaptured, result.BytesStored, result.FrozenMs, result.Snapshot);
            return new OperationYield(JsonSerializer.SerializeToElement(result, NodeJson.Default.CheckpointResult), figures);
        });
    }

    public Operation Restore(RestoreRequest request)
    {
        CheckMemory(request.MemoryBytes);
        if (string.IsNullOrEmpty(request.Snapshot) == string.IsNullOrEmpty(request.Latest))
        {
            throw new UsageException("bad-request", "A restore names either a snapshot or the workload whose latest snapshot is meant.");
        }

        CheckStream("stdin", request.Stdin);
        CheckStream("stdout", request.Stdout);
        CheckStream("stderr", request.Stderr);
        var repository = repositories.Resolve(request.Repository, request.KeyFile);
        var resolved = request with { Repository = repository.Url, KeyFile = repository.KeyFile, MemoryBytes = Buffers(request.MemoryBytes) };
        var subject = string.IsNullOrEmpty(request.Snapshot) ? $"latest of {request.Latest}" : $"snapshot {request.Snapshot}";
        return Create(OperationKinds.Restore, subject, resolved.MemoryBytes, async (id, progress, cancellationToken) =>
        {
            var result = await engine.RestoreAsync(id, resolved, progress, cancellationToken).ConfigureAwait(false);
            var figures = new OperationFigures(result.Timings, Snapshot: result.Snapshot);
            return new OperationYield(JsonSerializer.SerializeToElement(result, NodeJson.Default.RestoreResult), figures);
        });
    }

    private Operation Create(string kind, string subject, long memoryBytes, OperationWork work)
    {
        return new Operation(OperationId.New(time), kind, subject, memoryBytes, work, time);
    }

    /// <summary>Who asks for the default asks for nothing in particular, and gets what a small node has.</summary>
    private long Buffers(long asked) => asked == CheckpointRequest.DefaultMemoryBytes ? Math.Min(asked, budget.TotalBytes) : asked;

    private static void CheckMemory(long bytes)
    {
        if (bytes <= 0)
        {
            throw new UsageException(
                "memory-invalid", $"{bytes} bytes of buffers are not enough for any operation.", "Ask for more with --memory.");
        }
    }

    /// <summary>The JSON reader lets nulls into collections, whatever their types say.</summary>
    private static void CheckLists(CheckpointRequest request)
    {
        if (request.Exclude is null || request.Exclude.Contains(null!) || request.Labels is null || request.Labels.ContainsValue(null!) || request.Include is null || request.Include.Contains(null!)
            || request.CriuOptions is null || request.CriuOptions.ContainsValue(null!))
        {
            throw new UsageException(
                "bad-request", "'labels', 'include', 'exclude' and 'criuOptions' and what they hold must not be null.", "Leave them out where there are none.");
        }
    }

    private static void CheckStream(string name, string? target)
    {
        if (target == "inherit")
        {
            throw new UsageException(
                $"{name}-inherit",
                $"The service cannot give its callers' {name} to a restored process.",
                "Name a file, or use --embedded.");
        }

        if (target is not null && !target.StartsWith('/'))
        {
            throw new UsageException(
                $"{name}-relative",
                $"{name} is to be '{target}', which is not an absolute path.",
                "Write the whole path: the service has another working directory.");
        }
    }
}
