using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Runs code inside another namespace, on a thread of its own that ends with it, so that no thread of the pool is ever left there.
/// Needs CAP_SYS_ADMIN.
/// </summary>
internal static class NamespaceThread
{
    internal const int Network = 0x40000000; // CLONE_NEWNET

    internal const int Ipc = 0x08000000; // CLONE_NEWIPC

    /// <summary>Runs a function in the namespace behind the handle; its exceptions come through.</summary>
    internal static T Run<T>(SafeFileHandle handle, int kind, Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(function);
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                if (Libc.SetNamespace(handle, kind) != 0)
                {
                    throw Libc.Failure("setns");
                }

                result = function();
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error); // rethrown on the caller's thread
            }
        })
        {
            IsBackground = true,
            Name = "in-namespace",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
