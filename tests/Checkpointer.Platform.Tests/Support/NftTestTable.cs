namespace Checkpointer.Platform.Tests;

/// <summary>Makes a table as CRIU's network lock does, with an own implementation of the netlink batch.</summary>
internal static class NftTestTable
{
    private const ushort Subsystem = 10;
    private const ushort NewTable = Subsystem << 8;
    private const ushort FlagCreate = 0x400;

    public static bool IsSupported(int pid) => Create(pid, new NftTable(NftFamily.Inet, "probe")) == 0
        && Nftables.DeleteTable(new NftTable(NftFamily.Inet, "probe"), pid);

    /// <summary>The kernel's errno; 0 when the table was made.</summary>
    public static int Create(int pid, NftTable table) => NetNamespace.Run(pid, () =>
    {
        using NetlinkSocket socket = new();
        socket.Send(new NetlinkMessage()
            .Begin(0x10, NetlinkMessage.FlagRequest, 1, 0, Subsystem)
            .Begin(NewTable, NetlinkMessage.FlagRequest | NetlinkMessage.FlagAcknowledge | FlagCreate, 2, (byte)table.Family, 0)
            .Text(1, table.Name)
            .Begin(0x11, NetlinkMessage.FlagRequest, 3, 0, Subsystem)
            .ToArray());
        NetlinkReader answer = socket.Receive();
        Assert.True(answer.Next());
        Assert.Equal(NetlinkSocket.TypeError, answer.Type);
        return NetlinkSocket.ErrnoOf(answer.Body);
    });
}
