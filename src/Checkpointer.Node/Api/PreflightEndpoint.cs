using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>/v1/preflight: a check that touches nothing, so it needs no place in the queue.</summary>
internal sealed class PreflightEndpoint(IEngine engine, RepositoryAccess repositories, CallerPids pids, ServiceState state)
{
    public async Task CheckAsync(HttpContext context)
    {
        state.ThrowUnlessReady();
        var request = await RequestReader.ReadAsync(context, RequestReader.Preflight).ConfigureAwait(false);
        if (request.Pid is null == string.IsNullOrEmpty(request.Snapshot))
        {
            throw new UsageException("bad-request", "A preflight names either a pid or a snapshot.");
        }

        var report = request.Pid is { } pid
            ? await engine.PreflightProcessAsync(
                pids.ToOurs(PeerMiddleware.PeerOf(context).Pid, pid), context.RequestAborted).ConfigureAwait(false)
            : await SnapshotAsync(request, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, StatusCodes.Status200OK, report, NodeJson.Default.PreflightReport).ConfigureAwait(false);
    }

    private Task<PreflightReport> SnapshotAsync(PreflightRequest request, CancellationToken cancellationToken)
    {
        var repository = repositories.Resolve(request.Repository, request.KeyFile);
        return engine.PreflightSnapshotAsync(request.Snapshot!, repository.Url, repository.KeyFile, cancellationToken);
    }
}
