using Checkpointer.Engine.Recovery;

namespace Checkpointer.Engine.Restoring;

/// <summary>The moment in which the trees are let go or refused, all together.</summary>
internal sealed partial class RestoreSession
{
    /// <summary>Waits until every CRIU is at its hook, and lets all go on. Whatever fails before refuses all.</summary>
    private async Task ReleaseAsync(List<Task> allowed, CancellationTokenSource giveUp, CancellationToken cancellationToken)
    {
        using var refuse = cancellationToken.Register(() => _restores.ForEach(static r => r.Refuse()));
        try
        {
            await Task.WhenAll(allowed).ConfigureAwait(false);
            if (!TryDecide(Released))
            {
                _restores.ForEach(static r => r.Refuse());
                return;
            }

            // Every connection has both its ends now: what arrives from here on is heard.
            Silence?.End();
            foreach (var tree in Trees)
            {
                // The very pod that the tree was in: its sockets are there again.
                LeftConnections.TryEnd(tree.Record.Operation, tree.Target?.Init.Pid, _services.Logger);
            }

            Gpus?.Announce();

            // Before the word is given: a recovery must know that these trees may have run.
            Journal.Update(static entry => entry with { Released = true });
            giveUp.CancelAfter(StartDeadline);
            _released = _restores.TrueForAll(static r => r.TryAllow());
        }
        catch
        {
            _restores.ForEach(static r => r.Refuse());
            throw;
        }
    }

    /// <summary>Letting go and giving up exclude each other; who comes first decides.</summary>
    private bool TryDecide(int decision) => Interlocked.CompareExchange(ref _decision, decision, 0) == 0;
}
