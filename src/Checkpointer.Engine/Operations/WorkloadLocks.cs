using Checkpointer.Platform;

namespace Checkpointer.Engine;

/// <summary>The locks of all trees of an operation.</summary>
internal sealed class WorkloadLocks : IDisposable
{
    private readonly List<WorkloadLock> _held = [];

    private WorkloadLocks()
    {
    }

    /// <exception cref="OperationFailedException">Another operation has one of them; none is held then.</exception>
    public static WorkloadLocks Take(string runDirectory, IReadOnlyList<(int Pid, ulong StartTime)> roots)
    {
        WorkloadLocks locks = new();
        try
        {
            foreach (var (pid, startTime) in roots)
            {
                locks._held.Add(WorkloadLock.Take(runDirectory, pid, startTime));
            }

            return locks;
        }
        catch
        {
            locks.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Take(string, IReadOnlyList{ValueTuple{int, ulong}})"/>
    public static WorkloadLocks Take(string runDirectory, IEnumerable<ProcessIdentity> roots) =>
        Take(runDirectory, [.. roots.Select(static r => (r.Pid, r.StartTime))]);

    public void Dispose() => _held.ForEach(static held => held.Dispose());
}
