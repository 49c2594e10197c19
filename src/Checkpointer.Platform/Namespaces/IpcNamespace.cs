using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>What a process's IPC namespace holds. /proc shows the reader's own, whoever's /proc it is, so it is read from inside.</summary>
public static class IpcNamespace
{
    private static readonly string[] Kinds = ["shm", "sem", "msg"];

    /// <summary>True when it has System V shared memory, semaphores or message queues. False when the process is gone.</summary>
    public static bool HasSystemVObjects(int pid) => HasAny(pid, Kinds);

    /// <summary>True when it has System V semaphores or message queues. False when the process is gone.</summary>
    public static bool HasSemaphoresOrQueues(int pid) => HasAny(pid, ["sem", "msg"]);

    private static bool HasAny(int pid, string[] kinds)
    {
        using SafeFileHandle? handle = Fds.TryOpen($"/proc/{pid}/ns/ipc", OpenFlags.ReadOnly, default, out _);
        return handle is not null
            && NamespaceThread.Run(handle, NamespaceThread.Ipc, () => kinds.Any(kind => ProcText.Lines($"/proc/sysvipc/{kind}").Skip(1).Any()));
    }
}
