using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>What we and this machine must have for a dump.</summary>
internal static class HostProbe
{
    // What CRIU needs to trace, to read /proc, to set up parasites and to lock the network.
    private static readonly string[] NeededCapabilities = ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_NET_ADMIN"];

    /// <summary>To be asked first of all: without these even reading /proc says that processes are not there.</summary>
    /// <exception cref="HostException">Code <c>capability-missing</c>; nothing was touched.</exception>
    public static void RequireCapabilities()
    {
        var missing = NeededCapabilities.Where(c => !Host.HasCapability(c)).ToList();
        if (missing.Count > 0)
        {
            throw new HostException(
                "capability-missing", $"this needs {string.Join(", ", missing)}, which we do not have", "run as root, outside of a restricted container");
        }
    }

    public static void Run(InspectionDraft draft)
    {
        if (!Host.HasCapability("CAP_SYS_RESOURCE") && draft.Processes.Any(p => p.Info.Status.Uid != Host.EffectiveUid))
        {
            draft.Overridable("capability-missing", "CAP_SYS_RESOURCE", "we do not have it, and the tree has processes of other users", "this capability, to read their limits",
                "run with CAP_SYS_RESOURCE");
        }

        // The buffers are touched before the freeze: on a node without memory for them the kernel would end somebody, perhaps the workload.
        long available = Host.MemoryAvailable;
        if (available < draft.Options.BufferBytes)
        {
            draft.Overridable(
                "memory-low",
                "memory of this node",
                $"{ByteSize.Format(available)} are available",
                $"{ByteSize.Format(draft.Options.BufferBytes)} for buffers",
                "give the checkpoint less --memory, or free memory");
        }
    }
}
