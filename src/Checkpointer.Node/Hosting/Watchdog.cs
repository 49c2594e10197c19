using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>
/// Feeds systemd's watchdog while the operation loop answers. A service whose loop hangs is not fed and is restarted; its
/// journal and the owners of restored trees make that harmless.
/// </summary>
internal sealed class Watchdog(
    OperationScheduler scheduler, ISystemNotifier notifier, TimeProvider time, ILogger<Watchdog> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (notifier.WatchdogInterval is not { } interval)
        {
            return;
        }

        // Half of the interval for a ping, and the other half for the probe's answer.
        var period = interval / 2;
        using var timer = new PeriodicTimer(period, time);
        do
        {
            if (await AnswersAsync(period, stoppingToken).ConfigureAwait(false))
            {
                notifier.Watchdog();
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private async Task<bool> AnswersAsync(TimeSpan patience, CancellationToken stoppingToken)
    {
        using var timeout = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stoppingToken);
        try
        {
            await scheduler.ProbeAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            NodeLog.WatchdogSilent(logger, patience.TotalSeconds);
            return false;
        }
    }
}
