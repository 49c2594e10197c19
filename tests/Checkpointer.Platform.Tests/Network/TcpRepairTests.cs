using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform.Tests;

public class TcpRepairTests
{
    private const int ProtocolTcp = 6;
    private const int OptionRepair = 19;

    [Fact]
    public void A_socket_that_was_left_in_repair_mode_sends_again()
    {
        Need.Root();
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndpoint);
        using Socket server = listener.AcceptSocket();
        server.ReceiveTimeout = 20_000;
        using SafeFileHandle handle = Fds.Dup(client.SafeHandle);
        Assert.False(TcpRepair.IsOn(handle));
        client.SetRawSocketOption(ProtocolTcp, OptionRepair, BitConverter.GetBytes(1));
        Assert.True(TcpRepair.IsOn(handle));
        Assert.Throws<SocketException>(() => client.Send([1]));
        TcpRepair.Clear(handle);
        Assert.False(TcpRepair.IsOn(handle));
        client.Send([5]);
        byte[] one = new byte[1];
        Assert.Equal(1, server.Receive(one));
        Assert.Equal(5, one[0]);
        TcpRepair.Clear(handle);
    }

    [Fact]
    public void What_is_no_TCP_socket_is_not_in_repair_mode()
    {
        using Socket udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using SafeFileHandle datagram = Fds.Dup(udp.SafeHandle);
        using PipePair pipe = Fds.Pipe();
        (UnixConnection first, UnixConnection second) = UnixConnection.Pair();
        using (first)
        using (second)
        {
            Assert.False(TcpRepair.IsOn(datagram));
            Assert.False(TcpRepair.IsOn(pipe.Reader));
            Assert.False(TcpRepair.IsOn(first.Handle));
        }
    }
}
