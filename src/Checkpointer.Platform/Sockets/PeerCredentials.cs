using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>
/// Who connected, as the kernel recorded it at connect time.
/// </summary>
/// <param name="Pid">In the reader's pid namespace; 0 when the peer is not visible there. The process may be gone by now.</param>
/// <param name="Uid">Effective user id.</param>
/// <param name="Gid">Effective group id.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid);
