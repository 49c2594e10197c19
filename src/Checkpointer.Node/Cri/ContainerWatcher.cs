using System.Runtime.CompilerServices;
using Checkpointer.Engine.Containers;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node.Cri;

/// <summary>A container began to run, or ceased to.</summary>
public sealed record ContainerChange(ContainerSummary Container, bool Runs);

/// <summary>
/// Which containers begin and cease to run. Lists them again with every hint, and from time to time without one, and compares: nothing is
/// missed for long, whatever happens to a stream of events. A container that starts and ends between two looks is not told.
/// </summary>
internal sealed class ContainerWatcher(CriConnector connector, CriOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>Between two looks where events come: they are reliable enough.</summary>
    private static readonly TimeSpan WithEvents = TimeSpan.FromSeconds(30);

    private Dictionary<string, ContainerSummary> _running = [];
    private bool _lost;

    /// <summary>Begins with what runs now. Ends only by cancellation; a runtime that does not answer is waited for.</summary>
    public async IAsyncEnumerable<ContainerChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var hints = new ContainerHints(connector, options.PollInterval, time);
        await using (hints.ConfigureAwait(false))
        {
            while (true)
            {
                foreach (var change in await LookAsync(cancellationToken).ConfigureAwait(false))
                {
                    yield return change;
                }

                await hints.WaitAsync(hints.Streams ? WithEvents : options.PollInterval, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<IReadOnlyList<ContainerChange>> LookAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all;
        try
        {
            var connection = await connector.GetAsync(cancellationToken).ConfigureAwait(false);
            all = await CriLists.ContainersAsync(connection, cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e)
        {
            // Containers run on while their runtime is restarted: nothing is concluded.
            if (!_lost)
            {
                NodeLog.RuntimeLost(logger, e.Message);
            }

            _lost = true;
            return [];
        }

        if (_lost)
        {
            NodeLog.RuntimeBack(logger, all.Count);
        }

        _lost = false;
        var now = all.Where(static c => c.State == "running").DistinctBy(static c => c.Id).ToDictionary(static c => c.Id);
        var ended = _running.Values.Where(c => !now.ContainsKey(c.Id)).Select(static c => new ContainerChange(c, false));
        var started = now.Values.Where(c => !_running.ContainsKey(c.Id)).OrderBy(static c => c.Created).Select(static c => new ContainerChange(c, true));
        ContainerChange[] changes = [.. ended, .. started];
        _running = now;
        return changes;
    }
}
