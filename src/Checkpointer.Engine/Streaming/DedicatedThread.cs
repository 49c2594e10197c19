namespace Checkpointer.Engine.Streaming;

/// <summary>Work that waits in the kernel runs on a thread of its own, never on the pool's.</summary>
internal static class DedicatedThread
{
    /// <summary>Runs <paramref name="work"/> on a new background thread; the task ends as it ends, with continuations on the pool.</summary>
    public static Task<T> Run<T>(string name, Func<T> work)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (OperationCanceledException e)
            {
                done.SetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        {
            Name = name,
            IsBackground = true,
        };
        thread.Start();
        return done.Task;
    }

    /// <inheritdoc cref="Run{T}"/>
    public static Task Run(string name, Action work) => Run(name, () =>
    {
        work();
        return true;
    });
}
