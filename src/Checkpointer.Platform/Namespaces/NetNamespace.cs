using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Runs code inside another network namespace, on a thread of its own that ends with it, so that no thread of the
/// pool is ever left there. Sockets made there stay in that namespace. Needs CAP_SYS_ADMIN.
/// </summary>
public static class NetNamespace
{
    /// <summary>A handle that keeps a process's network namespace alive and reachable after the process is gone.</summary>
    public static SafeFileHandle Open(int pid) => Fds.Open($"/proc/{pid}/ns/net", OpenFlags.ReadOnly);

    /// <summary>Some process in the network namespace of that inode; null when nobody is there any more. Looks at every process.</summary>
    public static int? FindProcess(ulong inode)
    {
        foreach (string name in ProcText.Names("/proc"))
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && ProcLink.Namespace(pid, "net") == inode)
            {
                return pid;
            }
        }

        return null;
    }

    /// <summary>Runs an action in the network namespace of a process; its exceptions come through.</summary>
    public static void Run(int pid, Action action)
    {
        using SafeFileHandle handle = Open(pid);
        Run(handle, action);
    }

    /// <summary>Runs an action in a network namespace; its exceptions come through.</summary>
    public static void Run(SafeFileHandle handle, Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Run(handle, () =>
        {
            action();
            return true;
        });
    }

    /// <summary>As the others, with a result.</summary>
    public static T Run<T>(int pid, Func<T> function)
    {
        using SafeFileHandle handle = Open(pid);
        return Run(handle, function);
    }

    /// <summary>As the others, with a result.</summary>
    public static T Run<T>(SafeFileHandle handle, Func<T> function) => NamespaceThread.Run(handle, NamespaceThread.Network, function);
}
