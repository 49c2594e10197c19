namespace Checkpointer.Node.Client;

public sealed partial class NodeClient
{
    /// <summary>A recovery takes some tenths of a second; asking more often costs more than it gains.</summary>
    private static readonly TimeSpan ReadyPollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Asking to cancel is one small request; a service that does not even take that is lost.</summary>
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(10);

    /// <summary>An operation is accepted in milliseconds; the queue comes after the answer.</summary>
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    /// <summary>One round of the long poll for a tree's exit. Rounds follow each other without end.</summary>
    private static readonly TimeSpan ExitPoll = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Follows an operation to its end and returns it as it ended, well or not. Cancelling the token asks the service to cancel
    /// and goes on following: the rollback is part of the operation.
    /// </summary>
    public async Task<OperationResource> FollowAsync(string id, IProgress<OperationResource>? progress, CancellationToken cancellationToken)
    {
        using var lost = new CancellationTokenSource();
        Task cancelling = Task.CompletedTask;
        OperationResource? last = null;
        var registration = cancellationToken.Register(() => cancelling = RequestCancelAsync(id, lost));
        await using (registration.ConfigureAwait(false))
        {
            try
            {
                await foreach (var item in WatchAsync(id, lost.Token).ConfigureAwait(false))
                {
                    last = item.Operation;
                    progress?.Report(last);
                    if (last.IsOver)
                    {
                        break;
                    }
                }
            }
            catch (OperationCanceledException) when (lost.IsCancellationRequested)
            {
                throw Lost(id);
            }
        }

        await cancelling.ConfigureAwait(false);
        return last is { IsOver: true } ? last : throw Lost(id);
    }

    /// <summary>Waits for the exit of a restored tree's root.</summary>
    public async Task<TreeExit> WaitForTreeAsync(string operation, CancellationToken cancellationToken)
    {
        var path = $"{TreePathOf(operation)}/exit?timeout={(int)ExitPoll.TotalSeconds}";
        while (true)
        {
            var tree = await _transport.GetAsync(path, NodeJson.Default.TreeResource, cancellationToken).ConfigureAwait(false);
            if (tree.Exit is not null)
            {
                return tree.Exit;
            }
        }
    }

    private async Task<OperationResource> RunAsync(
        Func<CancellationToken, Task<OperationResource>> start, IProgress<OperationResource>? progress, CancellationToken cancellationToken)
    {
        var started = await StartSafelyAsync(start, cancellationToken).ConfigureAwait(false);
        try
        {
            return await FollowAsync(started.Id, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (HostException e) when (e.Code == NodeTransport.Unreachable)
        {
            // It took the operation and was gone when we asked for the events.
            throw Lost(started.Id);
        }
    }

    /// <summary>
    /// A start that is cut off may have been accepted, and would then run on with nobody knowing its name. So the token is
    /// looked at before and after, and the request itself runs to its answer.
    /// </summary>
    private async Task<OperationResource> StartSafelyAsync(
        Func<CancellationToken, Task<OperationResource>> start, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var timeout = new CancellationTokenSource(StartTimeout);
        try
        {
            return await start(timeout.Token).ConfigureAwait(false);
        }
        catch (HostException e) when (e.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded })
        {
            throw new AttentionException(
                "service-lost",
                $"The service at {SocketPath} went away before it said whether it took the request.",
                "Start the service again: had it taken the request, it recovers the operation from its journal, and 'checkpointer operations' tells what came of it.",
                e)
            {
                Workload = WorkloadState.Unknown,
                SnapshotDurable = null,
            };
        }
        catch (OperationCanceledException e)
        {
            throw new AttentionException(
                "service-silent",
                $"The service at {SocketPath} did not answer within {Durations.Format(StartTimeout)}.",
                "'checkpointer operations' shows whether it took the request; its log may say why it was silent.",
                e)
            {
                Workload = WorkloadState.Unknown,
                SnapshotDurable = null,
            };
        }
    }

    private async Task RequestCancelAsync(string id, CancellationTokenSource lost)
    {
        using var timeout = new CancellationTokenSource(CancelTimeout);
        try
        {
            await CancelAsync(id, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException)
        {
            // The service did not take the request: stop following, and say that the operation's fate is not known here.
            await lost.CancelAsync().ConfigureAwait(false);
        }
    }

    private static string PathOf(string id) => $"/v1/operations/{Uri.EscapeDataString(id)}";

    private static string TreePathOf(string operation) => $"/v1/trees/{Uri.EscapeDataString(operation)}";

    private AttentionException Lost(string id)
    {
        return new AttentionException(
            "service-lost",
            $"The service at {SocketPath} went away before operation {id} was over.",
            "Start the service again: it recovers the operation from its journal, and 'checkpointer operations' tells what came of it.")
        {
            Workload = WorkloadState.Unknown,
            SnapshotDurable = null,
        };
    }
}
