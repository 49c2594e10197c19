using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>/v1/preflight: a check that touches nothing, so it needs no place in the queue.</summary>
internal sealed class PreflightEndpoint(IEngine engine, RepositoryAccess repositories, CallerPids pids, ServiceState state)
{
    public async Task CheckAsync(HttpContext context)
    {
        state.ThrowUnlessReady();
        var request = await RequestReader.ReadAsync(context, RequestReader.Preflight).ConfigureAwait(false);
        bool[] named = [request.Pid is not null, !string.IsNullOrEmpty(request.Container), !string.IsNullOrEmpty(request.Pod), !string.IsNullOrEmpty(request.Snapshot), !string.IsNullOrEmpty(request.Latest)];
        if (named.Count(static n => n) != 1)
        {
            throw new UsageException("bad-request", "A preflight names either a pid, a container, a pod, a snapshot or the workload whose latest snapshot is meant.");
        }

        if (request.CriuOptions is null || request.CriuOptions.ContainsValue(null!) || request.Include is null || request.Include.Contains(null!)
            || request.Gpus is null || request.Gpus.Contains(null!))
        {
            throw new UsageException("bad-request", "'criuOptions', 'include' and 'gpus' and what they hold must not be null.", "Leave them out where there are none.");
        }

        if (string.IsNullOrEmpty(request.Snapshot) && string.IsNullOrEmpty(request.Latest) && (request.Into is not null || request.Create || request.Gpus.Count > 0))
        {
            throw new UsageException("bad-request", "'into', 'create' and 'gpus' are for a snapshot.", "Leave them out.");
        }

        var options = request.Options();
        var report = request.Pid is { } pid
            ? await engine.PreflightProcessAsync(
                pids.Target(PeerMiddleware.PeerOf(context).Pid, pid), options, context.RequestAborted).ConfigureAwait(false)
            : !string.IsNullOrEmpty(request.Container)
            ? await engine.PreflightContainerAsync(request.Container, options, context.RequestAborted).ConfigureAwait(false)
            : !string.IsNullOrEmpty(request.Pod)
            ? await engine.PreflightPodAsync(request.Pod, options, context.RequestAborted).ConfigureAwait(false)
            : await SnapshotAsync(request, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, StatusCodes.Status200OK, report, NodeJson.Default.PreflightReport).ConfigureAwait(false);
    }

    private Task<PreflightReport> SnapshotAsync(PreflightRequest request, CancellationToken cancellationToken)
    {
        var repository = repositories.Resolve(request.Repository, request.KeyFile);
        return engine.PreflightSnapshotAsync(request.Restore(repository.Url, repository.KeyFile), cancellationToken);
    }
}
