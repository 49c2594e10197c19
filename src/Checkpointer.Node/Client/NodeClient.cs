using System.Net;
using System.Runtime.CompilerServices;

namespace Checkpointer.Node.Client;

/// <summary>
/// Talks to a node service over its unix socket. Every failure arrives as a <see cref="CheckpointerException"/> with the code,
/// remedy, exit code and workload state that the service gave; a service that cannot be reached is a <see cref="HostException"/>
/// (code <c>service-unreachable</c>), and one that goes away in mid-operation an <see cref="OperationFailedException"/>
/// (code <c>service-lost</c>, workload state unknown to us; its journal tells after its restart). Thread-safe.
/// </summary>
public sealed partial class NodeClient : IDisposable
{
    private readonly NodeTransport _transport;

    public NodeClient(string socketPath)
    {
        SocketPath = socketPath;
        _transport = new NodeTransport(socketPath);
    }

    public string SocketPath { get; }

    /// <summary>Whether somebody listens on this socket. It does not say that it is ready, nor that it is one of ours.</summary>
    public static bool IsServiceAt(string socketPath) => SocketPlace.Answers(socketPath);

    /// <summary>Waits until the service accepts requests: it is still recovering after a start. False after the timeout.</summary>
    public async Task<bool> WaitUntilReadyAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (await IsReadyAsync(cancellationToken).ConfigureAwait(false))
            {
                return true;
            }

            if (TimeProvider.System.GetElapsedTime(start) >= timeout)
            {
                return false;
            }

            await Task.Delay(ReadyPollInterval, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the service accepts requests; false too when nobody listens.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _transport.SendAsync(HttpMethod.Get, "/readyz", null, cancellationToken).ConfigureAwait(false);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HostException e) when (e.Code == NodeTransport.Unreachable)
        {
            return false;
        }
    }

    public Task<NodeResource> GetNodeAsync(CancellationToken cancellationToken)
    {
        return _transport.GetAsync("/v1/node", NodeJson.Default.NodeResource, cancellationToken);
    }

    /// <summary>Asks for a checkpoint and returns at once with the operation.</summary>
    public Task<OperationResource> StartCheckpointAsync(CheckpointRequest request, CancellationToken cancellationToken)
    {
        var content = NodeTransport.Content(request, RequestJson.Default.CheckpointRequest);
        return _transport.PostAsync("/v1/checkpoints", content, NodeJson.Default.OperationResource, cancellationToken);
    }

    /// <summary>Asks for a restore and returns at once with the operation.</summary>
    public Task<OperationResource> StartRestoreAsync(RestoreRequest request, CancellationToken cancellationToken)
    {
        var content = NodeTransport.Content(request, RequestJson.Default.RestoreRequest);
        return _transport.PostAsync("/v1/restores", content, NodeJson.Default.OperationResource, cancellationToken);
    }

    /// <summary>
    /// Checkpoints and waits for the end. Cancelling the token cancels the operation and then waits for its rollback
    /// (<see cref="OperationCancelledException"/>), so that the workload's state is known when this returns.
    /// </summary>
    public async Task<CheckpointResult> CheckpointAsync(
        CheckpointRequest request, IProgress<OperationResource>? progress, CancellationToken cancellationToken)
    {
        var finished = await RunAsync(t => StartCheckpointAsync(request, t), progress, cancellationToken).ConfigureAwait(false);
        return OperationResults.Checkpoint(finished);
    }

    /// <summary>Restores and waits until the tree runs. Cancelling works as in <see cref="CheckpointAsync"/>.</summary>
    public async Task<RestoreResult> RestoreAsync(
        RestoreRequest request, IProgress<OperationResource>? progress, CancellationToken cancellationToken)
    {
        var finished = await RunAsync(t => StartRestoreAsync(request, t), progress, cancellationToken).ConfigureAwait(false);
        return OperationResults.Restore(finished);
    }

    /// <summary>Whether a process can be checkpointed or a snapshot restored here; findings are the answer, not an error.</summary>
    public Task<PreflightReport> PreflightAsync(PreflightRequest request, CancellationToken cancellationToken)
    {
        var content = NodeTransport.Content(request, RequestJson.Default.PreflightRequest);
        return _transport.PostAsync("/v1/preflight", content, NodeJson.Default.PreflightReport, cancellationToken);
    }

    /// <summary>All operations that the service remembers, oldest first.</summary>
    public async Task<IReadOnlyList<OperationResource>> ListOperationsAsync(CancellationToken cancellationToken)
    {
        var list = await _transport.GetAsync("/v1/operations", NodeJson.Default.OperationList, cancellationToken).ConfigureAwait(false);
        return list.Operations;
    }

    /// <summary>One operation; an unknown one is a <see cref="UsageException"/> (code <c>operation-not-found</c>).</summary>
    public Task<OperationResource> GetOperationAsync(string id, CancellationToken cancellationToken)
    {
        return _transport.GetAsync(PathOf(id), NodeJson.Default.OperationResource, cancellationToken);
    }

    /// <summary>Asks to cancel an operation; the workload runs on. It is over when its events say so.</summary>
    public Task<OperationResource> CancelAsync(string id, CancellationToken cancellationToken)
    {
        return _transport.DeleteAsync(PathOf(id), NodeJson.Default.OperationResource, cancellationToken);
    }

    /// <summary>The operation's events: the state now, each phase, progress, and at last the finish, after which the stream ends.</summary>
    public async IAsyncEnumerable<OperationEvent> WatchAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var item in _transport.EventsAsync($"{PathOf(id)}/events", cancellationToken).ConfigureAwait(false))
        {
            yield return item;
        }
    }

    /// <summary>A restored tree, named by the operation that restored it.</summary>
    public Task<TreeResource> GetTreeAsync(string operation, CancellationToken cancellationToken)
    {
        return _transport.GetAsync(TreePathOf(operation), NodeJson.Default.TreeResource, cancellationToken);
    }

    /// <summary>Sends a signal, by its number, to the root of a restored tree.</summary>
    public Task SignalTreeAsync(string operation, int signal, CancellationToken cancellationToken)
    {
        var content = NodeTransport.Content(new SignalRequest { Signal = signal }, RequestJson.Default.SignalRequest);
        return _transport.PostAsync($"{TreePathOf(operation)}/signal", content, cancellationToken);
    }

    public void Dispose() => _transport.Dispose();
}
