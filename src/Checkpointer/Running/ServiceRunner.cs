using Checkpointer.Engine;
using Checkpointer.Node;
using Checkpointer.Node.Client;

namespace Checkpointer.Cli.Running;

/// <summary>The node service on a unix socket.</summary>
internal sealed class ServiceRunner(string socket, StderrLines lines, TimeProvider time) : IRunner
{
    /// <summary>A service that has just started recovers what its predecessor left: seconds, unless that was much.</summary>
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(60);

    /// <summary>How long an attached restore waits for a service that went away: an update of the package takes less.</summary>
    private static readonly TimeSpan AbsenceTimeout = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan AbsencePoll = TimeSpan.FromSeconds(1);

    private readonly NodeClient _client = new(socket);

    public bool HasRepositories => true;

    public bool CanInherit => false;

    public async Task<bool> HasKeysAsync(CancellationToken cancellationToken) =>
        (await _client.GetNodeAsync(cancellationToken).ConfigureAwait(false)).Repositories.Count > 0;

    public async Task<CheckpointResult> CheckpointAsync(
        CheckpointRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        await WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
        return await _client.CheckpointAsync(request, new Forwarding(progress), cancellationToken).ConfigureAwait(false);
    }

    public async Task<RestoreResult> RestoreAsync(
        RestoreRequest request, IProgress<OperationProgress> progress, CancellationToken cancellationToken)
    {
        await WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
        return await _client.RestoreAsync(request, new Forwarding(progress), cancellationToken).ConfigureAwait(false);
    }

    public async Task<PreflightReport> PreflightAsync(PreflightRequest request, CancellationToken cancellationToken)
    {
        await WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
        return await _client.PreflightAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The tree outlives the service; so does the wait, for as long as a restart may take.</summary>
    public async Task<TreeExit> WaitForTreeAsync(string operation, CancellationToken cancellationToken)
    {
        long? absentSince = null;
        while (true)
        {
            try
            {
                if (absentSince is not null && await _client.IsReadyAsync(cancellationToken).ConfigureAwait(false))
                {
                    lines.Write("the service is back");
                    absentSince = null;
                }

                return await _client.WaitForTreeAsync(operation, cancellationToken).ConfigureAwait(false);
            }
            catch (HostException e) when (absentSince is null || time.GetElapsedTime(absentSince.Value) < AbsenceTimeout)
            {
                if (absentSince is null)
                {
                    absentSince = time.GetTimestamp();
                    lines.Write($"the service went away, the workload runs on; waiting for the service ({e.Code})");
                }

                await Task.Delay(AbsencePoll, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public Task SignalTreeAsync(string operation, int signal, CancellationToken cancellationToken)
    {
        return _client.SignalTreeAsync(operation, signal, cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        if (!await _client.WaitUntilReadyAsync(ReadyTimeout, cancellationToken).ConfigureAwait(false))
        {
            throw new HostException(
                "service-not-ready",
                $"the service at {_client.SocketPath} takes no requests",
                "Look at its log (journalctl -u checkpointer), or work without it with --embedded.");
        }
    }

    /// <summary>The service tells whole operations; the display wants their progress under the phase of the operation.</summary>
    private sealed class Forwarding(IProgress<OperationProgress> target) : IProgress<OperationResource>
    {
        public void Report(OperationResource value) => target.Report(value.Progress with { Phase = value.Phase });
    }
}
