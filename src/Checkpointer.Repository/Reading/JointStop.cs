namespace Checkpointer.Repository;

/// <summary>Several pieces of work that make sense only together: the first that fails cancels the others. Ends by itself with the last.</summary>
internal sealed class JointStop
{
    private readonly CancellationTokenSource _stop;
    private int _left;

    /// <param name="count">How many there will be.</param>
    /// <param name="cancellationToken">Cancels all of them.</param>
    public JointStop(int count, CancellationToken cancellationToken)
    {
        _left = count;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (count == 0)
        {
            _stop.Dispose();
        }
    }

    public async Task RunAsync(Func<CancellationToken, Task> work)
    {
        try
        {
            await work(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            if (Interlocked.Decrement(ref _left) == 0)
            {
                _stop.Dispose();
            }
        }
    }
}
