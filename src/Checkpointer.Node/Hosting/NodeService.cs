using System.Runtime.InteropServices;

namespace Checkpointer.Node;

/// <summary>The node service as the command line runs it.</summary>
public static class NodeService
{
    /// <summary>
    /// Runs until SIGTERM, SIGINT or SIGQUIT, or until the token is cancelled, and then stops gracefully; a second signal shortens
    /// that. The caller must not handle these signals itself. Returns the exit code: 0, or 6 when an operation could not be
    /// rolled back in time. A service that cannot start throws a <see cref="CheckpointerException"/>.
    /// </summary>
    public static async Task<int> RunAsync(NodeConfiguration configuration, EngineFactory engine, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new HostException(
                "not-root", "The node service needs root: it freezes and restores other people's processes.", "Run it as root.");
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var hurry = new CancellationTokenSource();
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            (stop.IsCancellationRequested ? hurry : stop).Cancel();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, OnSignal);

        var host = NodeHost.Create(configuration, engine);
        await using (host.ConfigureAwait(false))
        {
            try
            {
                await host.StartAsync(stop.Token).ConfigureAwait(false);
                await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Told to stop, perhaps during recovery already.
            }

            return (int)await host.StopAsync(hurry.Token).ConfigureAwait(false);
        }
    }
}
