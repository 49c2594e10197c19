using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>Mounts of the node that a container may have got as they are.</summary>
internal static class NodeMounts
{
    /// <summary>The node's own <c>/dev/shm</c>; null where nothing is mounted there.</summary>
    public static (DeviceNumber Device, string Root)? SharedMemory => PodMounts.IdentityOf(NodeNetwork.Init, "/dev/shm");
}
