using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine;

/// <summary>One operation per workload, across the service and embedded runs on this node.</summary>
internal sealed class WorkloadLock : IDisposable
{
    private readonly FileLock _held;

    private WorkloadLock(FileLock held)
    {
        _held = held;
    }

    /// <exception cref="OperationFailedException">Another operation has the workload.</exception>
    public static WorkloadLock Take(string runDirectory, ProcessIdentity root) => Take(runDirectory, root.Pid, root.StartTime);

    /// <inheritdoc cref="Take(string, ProcessIdentity)"/>
    public static WorkloadLock Take(string runDirectory, int pid, ulong startTime)
    {
        var directory = Path.Combine(RunPlace.Prepare(runDirectory), "workloads");
        StateDirectories.Create(directory);
        var path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{pid}-{startTime}.lock"));
        return FileLock.TryTake(path) is { } held
            ? new WorkloadLock(held)
            : throw new OperationFailedException(
                "workload-busy",
                $"Another operation works on process {pid} right now.",
                "Wait for it: `checkpointer operations` shows it.");
    }

    public void Dispose()
    {
        // The name goes too: every process that was ever checkpointed would leave one on a tmpfs otherwise.
        _held.DeleteAndDispose();
    }
}
