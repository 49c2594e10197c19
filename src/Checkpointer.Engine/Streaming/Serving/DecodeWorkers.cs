using System.Collections.Concurrent;

namespace Checkpointer.Engine.Streaming;

/// <summary>Dedicated threads that decode fills of all files, first come, first served.</summary>
internal sealed class DecodeWorkers : IDisposable
{
    private readonly BlockingCollection<Job> _jobs = [];
    private readonly List<Thread> _threads = [];

    public DecodeWorkers(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Thread thread = new(Work) { Name = "image-decode", IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Completes with the same fill when it is decoded; RepositoryException (repository-damaged) names the object.</summary>
    public Task<Fill> DecodeAsync(Fill fill, IImageFile file, CancellationToken cancellationToken)
    {
        Job job = new(fill, file, cancellationToken);
        _jobs.Add(job, CancellationToken.None);
        return job.Done.Task;
    }

    /// <summary>After every job has ended.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
        _jobs.Dispose();
    }

    private void Work()
    {
        foreach (Job job in _jobs.GetConsumingEnumerable())
        {
            try
            {
                job.Cancellation.ThrowIfCancellationRequested();
                job.Fill.DecodeAsync(job.File, job.Cancellation).GetAwaiter().GetResult();
                job.Done.SetResult(job.Fill);
            }
            catch (OperationCanceledException e)
            {
                job.Done.SetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                job.Done.SetException(e);
            }
        }
    }

    private sealed record Job(Fill Fill, IImageFile File, CancellationToken Cancellation)
    {
        public TaskCompletionSource<Fill> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
