using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>Who holds a lease or an intent.</summary>
/// <param name="Node">The name of its machine.</param>
/// <param name="Process">The process; null where it is not known.</param>
internal sealed record LockHolder(string Node, ProcessIdentity? Process)
{
    public static LockHolder Self() => new(Host.HostName, ProcessIdentity.Of(Environment.ProcessId));

    public static LockHolder From(string? node, int pid, ulong startTime, string? bootId, ulong pidNamespace) =>
        new(node ?? "", bootId is null || pid <= 0 ? null : new ProcessIdentity(pid, startTime, bootId, pidNamespace));

    /// <summary>
    /// True only where it is certain: the process ran in this boot of this machine, among the processes that we see, and is gone. Whatever runs elsewhere may be alive.
    /// </summary>
    public bool IsDead() =>
        Process is { } process
        && process.BootId == Host.BootId
        && ProcessIdentity.Of(Environment.ProcessId)?.PidNamespace == process.PidNamespace
        && !process.IsAlive();

    public override string ToString() => Process is { } process ? $"process {process.Pid} on {Node}" : Node;
}
