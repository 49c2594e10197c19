using System.IO.Pipelines;

namespace Checkpointer.Engine;

/// <summary>A helper of ours that lives as long as its standard input is open.</summary>
internal static class HelperProcess
{
    /// <summary>Closes its input and waits; kills it when it does not end within the grace. Never throws for what it does.</summary>
    /// <param name="input">Its standard input.</param>
    /// <param name="process">Completes with its end.</param>
    /// <param name="kill">Kills it; disposed afterwards.</param>
    /// <param name="grace">How long it may take to end by itself, and again once it was killed.</param>
    /// <param name="time">The clock.</param>
    public static async Task EndAsync(PipeWriter input, Task process, CancellationTokenSource kill, TimeSpan grace, TimeProvider time)
    {
        await input.CompleteAsync().ConfigureAwait(false);
        try
        {
            await process.WaitAsync(grace, time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or IOException)
        {
            // It hangs, or was killed before: either way its end is not waited for any longer.
            await kill.CancelAsync().ConfigureAwait(false);
            await process.WaitAsync(grace, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        kill.Dispose();
    }
}
