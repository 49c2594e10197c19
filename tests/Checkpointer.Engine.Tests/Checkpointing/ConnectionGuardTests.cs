using System.Net;
using System.Net.Sockets;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Checkpointing;

public sealed class ConnectionGuardTests
{
    [Theory]
    [InlineData("tcp-stream-1a2b.img", 0x1a2bUL)]
    [InlineData("tcp-stream-.img", null)]
    [InlineData("tcp-stream-xyz.img", null)]
    [InlineData("tcp-stream-1a2b", null)]
    [InlineData("pages-1.img", null)]
    public void Only_the_image_of_a_connection_names_a_socket(string file, ulong? inode)
    {
        Assert.Equal(inode is not null, ConnectionGuard.TryParse(file, out var found));
        Assert.Equal(inode ?? 0, found);
    }

    [Fact]
    public void A_connection_leaves_repair_mode_when_it_was_dumped_and_enters_it_again_before_the_end()
    {
        if (!Host.HasCapability("CAP_NET_ADMIN"))
        {
            Assert.Skip("repair mode needs CAP_NET_ADMIN");
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(client.Client.Handle, ownsHandle: false);
        TcpRepair.Set(handle);
        var inode = TaskState.Sockets(Environment.ProcessId).Single(socket => socket.Fd == (int)client.Client.Handle).Inode;
        using var guard = new ConnectionGuard(Entry(), NullLogger.Instance);

        guard.Dumped("pages-1.img");
        Assert.True(TcpRepair.IsOn(handle));
        guard.Dumped($"tcp-stream-{inode:x}.img");
        Assert.False(TcpRepair.IsOn(handle));
        guard.Silence();
        Assert.True(TcpRepair.IsOn(handle));
        guard.Release();
        Assert.False(TcpRepair.IsOn(handle));
    }

    private static JournalEntry Entry()
    {
        var self = ProcessIdentity.Of(Environment.ProcessId)!;
        return new JournalEntry
        {
            Operation = "op",
            Kind = OperationKind.Checkpoint,
            Phase = OperationPhase.Dump,
            Started = DateTimeOffset.UnixEpoch,
            Repository = "/r",
            KeyFile = "/k",
            BootId = self.BootId,
            Processes = [new JournalProcess(self.Pid, self.StartTime, self.PidNamespace, WasStopped: false)],
        };
    }
}
