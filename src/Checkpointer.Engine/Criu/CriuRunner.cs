namespace Checkpointer.Engine.Criu;

/// <summary>
/// Runs CRIU. It is never killed as a first resort: the caller ends a dump by closing its pipes, so that CRIU cures the tasks;
/// cancellation here waits, then asks (SIGTERM), then kills.
/// </summary>
public sealed class CriuRunner
{
    /// <summary>Runs CRIU to its end. A non-zero exit code is a result, not an exception.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, and CRIU has ended.</exception>
    public Task<CriuResult> RunAsync(CriuRun run, CancellationToken cancellationToken)
    {
        throw new NotSupportedException();
    }
}
