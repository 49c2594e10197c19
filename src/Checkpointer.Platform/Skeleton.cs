using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

#pragma warning disable
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
