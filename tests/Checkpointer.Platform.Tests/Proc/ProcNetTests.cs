using System.Net;
using System.Net.Sockets;
using Checkpointer.Platform;

namespace Checkpointer.Platform.Tests.Proc;

public sealed class ProcNetTests
{
    private const string Tcp = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:1CF3 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 31415 1 0000000000000000 100 0 0 10 0
           1: 0100007F:BA14 0100007F:1CF3 01 00000010:00000005 00:00000000 00000000  1000        0 27182 1 0000000000000000 20 4 30 10 -1
        """;

    private const string Tcp6 = """
          sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:A1B2 08 00000000:00000000 00:00000000 00000000     0        0 555 1 0000000000000000 20 4 30 10 -1
           1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 556 1 0000000000000000 100 0 0 10 0
        """;

    private const string Unix = """
        Num       RefCount Protocol Flags    Type St Inode Path
        0000000000000000: 00000002 00000000 00010000 0001 01 20012 /run/a b.sock
        0000000000000000: 00000003 00000000 00000000 0001 03 20013
        0000000000000000: 00000002 00000000 00000000 0002 01 20014 @abstract
        """;

    [Fact]
    public void Tcp_sockets_have_addresses_states_and_queues()
    {
        IReadOnlyList<ProcInetSocket> sockets = ProcNet.ParseInet(ProcText.Split(Tcp));

        Assert.Equal(IPEndPoint.Parse("127.0.0.1:7411"), sockets[0].Local);
        Assert.Equal(TcpState.Listen, sockets[0].State);
        Assert.Equal(2, sockets[0].ReceiveQueue);
        Assert.False(sockets[0].IsConnected);
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:7411"), sockets[1].Remote);
        Assert.Equal(27182UL, sockets[1].Inode);
        Assert.True(sockets[1].IsConnected);
    }

    [Fact]
    public void Ipv6_addresses_are_turned_round_word_by_word()
    {
        IReadOnlyList<ProcInetSocket> sockets = ProcNet.ParseInet(ProcText.Split(Tcp6));

        Assert.Equal(IPAddress.Parse("::ffff:127.0.0.1"), sockets[0].Local.Address);
        Assert.Equal(TcpState.CloseWait, sockets[0].State);
        Assert.Equal(IPAddress.IPv6Loopback, sockets[1].Local.Address);
    }

    [Fact]
    public void Unix_sockets_have_paths_with_blanks_and_may_have_none()
    {
        IReadOnlyList<ProcUnixSocket> sockets = ProcNet.ParseUnix(ProcText.Split(Unix));

        Assert.Equal("/run/a b.sock", sockets[0].Path);
        Assert.True(sockets[0].IsListening);
        Assert.Equal("", sockets[1].Path);
        Assert.Equal(3, sockets[1].State);
        Assert.Equal("@abstract", sockets[2].Path);
        Assert.Equal(2, sockets[2].Type);
    }

    [Fact]
    public void A_listening_socket_of_ours_is_found_by_its_inode()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        ProcFd fd = ProcFd.ReadAll(Environment.ProcessId).Single(f => f.Fd == (int)listener.Handle);

        ProcInetSocket found = Assert.Single(ProcNet.ReadTcp(Environment.ProcessId), s => s.Inode == fd.InodeOf("socket"));

        Assert.Equal(listener.LocalEndPoint, found.Local);
        Assert.Equal(TcpState.Listen, found.State);
    }

    [Fact]
    public void The_peer_of_a_unix_connection_is_found()
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N")[..12]);
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        using Socket server = listener.Accept();
        File.Delete(path);
        IReadOnlyList<ProcFd> fds = ProcFd.ReadAll(Environment.ProcessId);
        ulong Inode(Socket s) => fds.Single(f => f.Fd == (int)s.Handle).InodeOf("socket")!.Value;

        IReadOnlyDictionary<ulong, ulong> peers = UnixSocketPeers.Read();

        Assert.Equal(Inode(server), peers[Inode(client)]);
        Assert.Equal(Inode(client), peers[Inode(server)]);
        Assert.False(peers.ContainsKey(Inode(listener)));
    }

    [Fact]
    public void A_cut_netlink_answer_ends_the_reading_instead_of_going_astray()
    {
        Dictionary<ulong, ulong> peers = [];

        Assert.True(UnixSocketPeers.Parse([255, 0, 0, 0, 20, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], peers));
        Assert.Empty(peers);
    }
}
