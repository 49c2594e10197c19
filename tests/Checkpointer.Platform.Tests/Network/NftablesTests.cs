using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public class NftablesTests
{
    [Fact]
    public void The_network_lock_of_a_dead_CRIU_is_found_and_deleted()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        Need.Nftables(child.Pid);
        NftTable stale = new(NftFamily.Inet, "CRIU-4711");
        NftTable others = new(NftFamily.Ip, "of-somebody-else");
        Assert.Equal(0, NftTestTable.Create(child.Pid, stale));
        Assert.Equal(0, NftTestTable.Create(child.Pid, others));
        Assert.Equal([stale, others], Nftables.ListTables(child.Pid).OrderBy(table => table.Name, StringComparer.Ordinal));
        Assert.DoesNotContain(stale, Nftables.ListTables());
        Assert.True(Nftables.DeleteTable(stale, child.Pid));
        Assert.Equal([others], Nftables.ListTables(child.Pid));
        Assert.False(Nftables.DeleteTable(stale, child.Pid));
    }

    [Fact]
    public void A_namespace_handle_serves_after_the_process_is_gone()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        Need.Nftables(child.Pid);
        NftTable stale = new(NftFamily.Inet, "CRIU-1");
        Assert.Equal(0, NftTestTable.Create(child.Pid, stale));
        using SafeFileHandle handle = NetNamespace.Open(child.Pid);
        child.Kill();
        Assert.Equal([stale], Nftables.ListTables(handle));
        Assert.True(Nftables.DeleteTable(stale, handle));
        Assert.Empty(Nftables.ListTables(handle));
    }

    [Fact]
    public void Hundreds_of_tables_come_in_several_answers()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        Need.Nftables(child.Pid);
        const int Tables = 600;
        for (int i = 0; i < Tables; i++)
        {
            Assert.Equal(0, NftTestTable.Create(child.Pid, new NftTable(NftFamily.Inet, $"CRIU-{i}-{new string('x', 60)}")));
        }

        Assert.Equal(Tables, Nftables.ListTables(child.Pid).Distinct().Count());
    }

    /// <summary>Over loopback a packet arrives where it was sent: so one connection can be silenced and the next be heard.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void A_silenced_connection_is_not_heard_and_others_are(string address)
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        Need.Nftables(child.Pid);
        Need.Loopback(child.Pid);
        NetNamespace.Run(child.Pid, () =>
        {
            using Socket listener = Listening(IPAddress.Parse(address));
            using Pair silenced = new(listener);
            using Pair heard = new(listener);
            NftTable table = new(NftFamily.Inet, "silence");

            // More than one batch, of which the first rule counts.
            var nobody = Enumerable.Range(1, 300).Select(port => (new IPEndPoint(IPAddress.Parse(address), port), new IPEndPoint(IPAddress.Parse(address), port + 1)));
            var mine = ((IPEndPoint)silenced.Server.LocalEndPoint!, (IPEndPoint)silenced.Server.RemoteEndPoint!);
            Nftables.Silence(table, [mine, .. nobody], child.Pid);
            silenced.Client.Send([1]);
            heard.Client.Send([2]);
            Assert.True(heard.Server.Poll(TimeSpan.FromSeconds(30), SelectMode.SelectRead));
            Assert.Equal(0, silenced.Server.Available);
            Assert.True(Nftables.DeleteTable(table));
            Assert.True(silenced.Server.Poll(TimeSpan.FromSeconds(30), SelectMode.SelectRead));
        });
    }

    [Fact]
    public void A_process_is_found_by_its_network()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        ulong inode = NamespaceInode.Of(child.Pid, "net");
        Assert.Equal(child.Pid, NetNamespace.FindProcess(inode));
        child.Kill();
        Assert.Null(NetNamespace.FindProcess(inode));
    }

    [Fact]
    public void A_fresh_namespace_has_no_tables()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        Assert.Empty(Nftables.ListTables(child.Pid));
        Assert.False(Nftables.DeleteTable(new NftTable(NftFamily.Inet, "CRIU-1"), child.Pid));
    }

    private static Socket Listening(IPAddress address)
    {
        Socket listener = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        return listener;
    }

    private sealed class Pair : IDisposable
    {
        public Pair(Socket listener)
        {
            Client = new Socket(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            Client.Connect(listener.LocalEndPoint!);
            Server = listener.Accept();
        }

        public Socket Client { get; }

        public Socket Server { get; }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
