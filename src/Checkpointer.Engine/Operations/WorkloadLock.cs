using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine;

/// <summary>One operation per workload, across the service and embedded runs on this node.</summary>
internal static class WorkloadLock
{
    /// <exception cref="OperationFailedException">Another operation has the workload.</exception>
    public static FileLock Take(string runDirectory, ProcessIdentity root)
    {
        var directory = Path.Combine(RunPlace.Prepare(runDirectory), "workloads");
        StateDirectories.Create(directory);
        var path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{root.Pid}-{root.StartTime}.lock"));
        return FileLock.TryTake(path)
            ?? throw new OperationFailedException(
                "workload-busy",
                $"Another operation works on process {root.Pid} right now.",
                "Wait for it: `checkpointer operations` shows it.");
    }
}
