namespace Checkpointer.Engine.Preflight;

/// <summary>Looks at a process tree through /proc and says what CRIU will need, and what it cannot do. Touches nothing.</summary>
public static partial class WorkloadInspector
{
    /// <summary>Inspects the tree below a pid (in our pid namespace).</summary>
    /// <exception cref="UsageException">
    /// Codes <c>pid-not-found</c>, <c>pid-is-kernel-thread</c>, <c>pid-is-zombie</c>, <c>pid-is-own-ancestor</c>: there is nothing to inspect.
    /// </exception>
    public static Inspection Inspect(int pid, InspectOptions options)
    {
        throw new NotSupportedException();
    }
}
