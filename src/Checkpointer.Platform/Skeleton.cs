using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

#pragma warning disable
public static class DurableFile
{
    /// <summary>false when createOnly and the path exists already.</summary>
    public static bool Create(string path, ReadOnlySpan<byte> bytes, bool createOnly, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) => throw new NotImplementedException();
    /// <summary>fsyncs a finished temporary file and gives it its name; false (temporary deleted) when createOnly and the path exists.</summary>
    public static bool Publish(string temporaryPath, string path, bool createOnly) => throw new NotImplementedException();
    public static bool Delete(string path) => throw new NotImplementedException();
    public static void SyncDirectory(string directory) => throw new NotImplementedException();
}
public sealed class FileLock : IDisposable
{
    public static FileLock? TryTake(string path) => throw new NotImplementedException();
    public string Path => throw new NotImplementedException();
    public SafeFileHandle Handle => throw new NotImplementedException();
    /// <summary>Deletes the lock file while it is still held, then releases.</summary>
    public void DeleteAndDispose() => throw new NotImplementedException();
    public void Dispose() { }
}
public static class FileSystems
{
    public static bool IsTmpfs(string path) => throw new NotImplementedException();
    public static bool IsTmpfs(SafeFileHandle handle) => throw new NotImplementedException();
    public static long Free(string path) => throw new NotImplementedException();
}
public static class Mounts
{
    public static void MountTmpfs(string path, long sizeBytes, UnixFileMode mode) => throw new NotImplementedException();
    public static void Unmount(string path, bool detach = false) => throw new NotImplementedException();
    public static bool IsMountPoint(string path) => throw new NotImplementedException();
}
public static class RootedOpen
{
    public static SafeFileHandle OpenRoot(string path) => throw new NotImplementedException();
    public static SafeFileHandle Open(SafeFileHandle root, string relative, OpenFlags flags, UnixFileMode mode = UnixFileMode.None) => throw new NotImplementedException();
}
public sealed class PidFd : IDisposable
{
    public static PidFd? Open(int pid) => throw new NotImplementedException();
    public int Pid => throw new NotImplementedException();
    public SafeFileHandle Handle => throw new NotImplementedException();
    public bool HasExited => throw new NotImplementedException();
    /// <summary>false when the process is gone.</summary>
    public bool Signal(int signal) => throw new NotImplementedException();
    public bool WaitExit(TimeSpan timeout, CancellationToken cancellationToken) => throw new NotImplementedException();
    public SafeFileHandle DuplicateFd(int fd) => throw new NotImplementedException();
    public void Dispose() { }
}
public sealed record ProcessIdentity(int Pid, ulong StartTime, string BootId, ulong PidNamespace)
{
    public static ProcessIdentity? Of(int pid) => throw new NotImplementedException();
    public bool IsAlive() => throw new NotImplementedException();
    /// <summary>A pidfd that is certain to be this process; null when it is gone.</summary>
    public PidFd? Open() => throw new NotImplementedException();
}
public static class Signals
{
    public const int HangUp = 1, Interrupt = 2, Quit = 3, Kill = 9, User1 = 10, User2 = 12, Terminate = 15, Continue = 18, Stop = 19;
    public static bool Send(PidFd process, int signal) => throw new NotImplementedException();
    public static string Name(int signal) => throw new NotImplementedException();
}
public sealed record CapabilitySet(ulong Mask)
{
    public bool Has(string name) => throw new NotImplementedException();
    public IReadOnlyList<string> Names => throw new NotImplementedException();
}
public static class Privileges
{
    public static CapabilitySet EffectiveCapabilities => throw new NotImplementedException();
}
public static class NamespaceInode
{
    public static ulong Of(int pid, string kind) => throw new NotImplementedException();
    public static ulong? TryOf(int pid, string kind) => throw new NotImplementedException();
}
public static class NetNamespace
{
    public static SafeFileHandle Open(int pid) => throw new NotImplementedException();
    public static void Run(int pid, Action action) => throw new NotImplementedException();
    public static void Run(SafeFileHandle handle, Action action) => throw new NotImplementedException();
    public static T Run<T>(int pid, Func<T> function) => throw new NotImplementedException();
    public static T Run<T>(SafeFileHandle handle, Func<T> function) => throw new NotImplementedException();
}
public enum CgroupMode { None, Legacy, Hybrid, Unified }
public sealed class Cgroup
{
    public static CgroupMode Mode => throw new NotImplementedException();
    public static Cgroup Of(int pid) => throw new NotImplementedException();
    /// <summary>Creates (or joins the existing) cgroup `name`, e.g. "checkpointer/abc", in every hierarchy that matters.</summary>
    public static Cgroup Create(string name) => throw new NotImplementedException();
    /// <summary>null when it exists in no hierarchy.</summary>
    public static Cgroup? Open(string name) => throw new NotImplementedException();
    public string Name => throw new NotImplementedException();
    public IReadOnlyList<string> ProcsFiles => throw new NotImplementedException();
    public IReadOnlyList<int> Processes() => throw new NotImplementedException();
    public void Join(int pid) => throw new NotImplementedException();
    public void Freeze() => throw new NotImplementedException();
    public void Thaw() => throw new NotImplementedException();
    /// <summary>null: no limit.</summary>
    public long? MemoryLimit => throw new NotImplementedException();
    public long? MemoryLeft => throw new NotImplementedException();
    /// <summary>Waits a little for dying tasks; false when it is still busy.</summary>
    public bool Delete(TimeSpan timeout) => throw new NotImplementedException();
    public bool Delete() => throw new NotImplementedException();
}
public enum NftFamily { Inet = 1, Ip = 2, Arp = 3, Netdev = 5, Bridge = 7, Ip6 = 10 }
public readonly record struct NftTable(NftFamily Family, string Name);
public static class Nftables
{
    public static IReadOnlyList<NftTable> ListTables(int? netnsPid = null) => throw new NotImplementedException();
    public static IReadOnlyList<NftTable> ListTables(SafeFileHandle netns) => throw new NotImplementedException();
    /// <summary>false when there is no such table.</summary>
    public static bool DeleteTable(NftTable table, int? netnsPid = null) => throw new NotImplementedException();
    public static bool DeleteTable(NftTable table, SafeFileHandle netns) => throw new NotImplementedException();
}
public static class TcpRepair
{
    /// <summary>false for anything that is not a TCP socket.</summary>
    public static bool IsOn(SafeFileHandle socket) => throw new NotImplementedException();
    public static void Clear(SafeFileHandle socket) => throw new NotImplementedException();
}
public static class Host
{
    public static string BootId => throw new NotImplementedException();
    public static string KernelRelease => throw new NotImplementedException();
    public static string HostName => throw new NotImplementedException();
    public static long MemoryAvailable => throw new NotImplementedException();
    public static long MemoryTotal => throw new NotImplementedException();
    public static IReadOnlySet<string> CpuFlags => throw new NotImplementedException();
    public static string CpuModel => throw new NotImplementedException();
    public static uint EffectiveUid => throw new NotImplementedException();
    public static bool HasCapability(string name) => throw new NotImplementedException();
}
