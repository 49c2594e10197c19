using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// The network of the node itself, in which containers of pods with <c>hostNetwork</c> live. No pod ends it, and everything that reaches the node
/// passes through it: nothing may be dropped there but the packets of single connections, and nothing may be left there.
/// </summary>
internal static class NodeNetwork
{
    /// <summary>The first process that we see is the node's, unless we are in a pid namespace of our own: then it is ours.</summary>
    public const int Init = 1;

    /// <summary>Whether a process lives in it: in our own network, or in that of the node's first process.</summary>
    public static bool Has(int pid) => NamespaceInode.TryOf(pid, "net") is { } network && (network == Own || network == NamespaceInode.TryOf(Init, "net"));

    /// <summary>Whether a process lives in it, and we do not: CRIU would take it for a network that it may shut as a whole.</summary>
    public static bool IsElsewhere(int pid) => Has(pid) && NamespaceInode.TryOf(pid, "net") != Own;

    private static ulong? Own => NamespaceInode.TryOf(Environment.ProcessId, "net");
}
