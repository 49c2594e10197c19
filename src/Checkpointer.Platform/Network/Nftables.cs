using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Lists and deletes nftables tables by netlink; nft(8) is not needed on the host. For cleaning up the network lock of
/// a CRIU that died: a table of family inet, named <c>CRIU-</c> and the first 21 characters of the run id that its log
/// tells ("CRIU run id = ..."; a CRIU before it had run ids: the root's pid). Needs CAP_NET_ADMIN in that namespace.
/// </summary>
public static partial class Nftables
{
    private const ushort Subsystem = 10; // NFNL_SUBSYS_NFTABLES
    private const ushort NewTable = (Subsystem << 8) | 0;
    private const ushort GetTable = (Subsystem << 8) | 1;
    private const ushort RemoveTable = (Subsystem << 8) | 2;
    private const ushort BatchBegin = 0x10;
    private const ushort BatchEnd = 0x11;
    private const ushort AttributeTableName = 1;
    private const uint Sequence = 1;

    /// <summary>A dump restarts when somebody changes tables meanwhile; who changes them all the time cannot hold us.</summary>
    private const int MaxDumps = 20;

    /// <summary>The tables of a process's network namespace, or of our own; none where the kernel has no nftables.</summary>
    public static IReadOnlyList<NftTable> ListTables(int? netnsPid = null) =>
        netnsPid is { } pid ? NetNamespace.Run(pid, List) : List();

    /// <summary>The tables of a network namespace.</summary>
    public static IReadOnlyList<NftTable> ListTables(SafeFileHandle netns) => NetNamespace.Run(netns, List);

    /// <summary>Deletes a table with everything in it. False when there is no such table.</summary>
    public static bool DeleteTable(NftTable table, int? netnsPid = null) =>
        netnsPid is { } pid ? NetNamespace.Run(pid, () => Delete(table)) : Delete(table);

    /// <summary>As the other, in a network namespace.</summary>
    public static bool DeleteTable(NftTable table, SafeFileHandle netns) => NetNamespace.Run(netns, () => Delete(table));

    private static IReadOnlyList<NftTable> List()
    {
        for (int attempt = 0; attempt < MaxDumps; attempt++)
        {
            if (TryDump(out List<NftTable> tables))
            {
                return tables;
            }
        }

        throw new PlatformException("nftables-unstable", "The nftables tables changed during every attempt to list them.");
    }

    /// <summary>False when the dump was interrupted by a change.</summary>
    private static bool TryDump(out List<NftTable> tables)
    {
        tables = [];
        using NetlinkSocket socket = new();
        socket.Send(new NetlinkMessage()
            .Begin(GetTable, NetlinkMessage.FlagRequest | NetlinkMessage.FlagDump, Sequence, family: 0, resourceId: 0)
            .ToArray());
        bool whole = true;
        while (true)
        {
            NetlinkReader message = socket.Receive();
            while (message.Next())
            {
                whole &= (message.Flags & NetlinkMessage.FlagDumpInterrupted) == 0;
                switch (message.Type)
                {
                    case NetlinkSocket.TypeDone:
                        return whole;
                    case NetlinkSocket.TypeError:
                        int errno = NetlinkSocket.ErrnoOf(message.Body);
                        return IsWithoutNftables(errno) ? true : throw PlatformException.FromErrno("nftables: list tables", errno);
                    case NewTable when message.Text(AttributeTableName) is { } name:
                        tables.Add(new NftTable((NftFamily)message.Body[0], name));
                        break;
                }
            }
        }
    }

    private static bool Delete(NftTable table)
    {
        ArgumentException.ThrowIfNullOrEmpty(table.Name);

        // Changes come in a batch: all or nothing. The answer to the middle message is the outcome.
        const ushort AskAndAnswer = NetlinkMessage.FlagRequest | NetlinkMessage.FlagAcknowledge;
        byte[] batch = new NetlinkMessage()
            .Begin(BatchBegin, NetlinkMessage.FlagRequest, Sequence, family: 0, Subsystem)
            .Begin(RemoveTable, AskAndAnswer, Sequence + 1, (byte)table.Family, resourceId: 0)
            .Text(AttributeTableName, table.Name)
            .Begin(BatchEnd, NetlinkMessage.FlagRequest, Sequence + 2, family: 0, Subsystem)
            .ToArray();
        int errno = Change(batch);
        return errno switch
        {
            0 => true,
            Errno.ENOENT => false,
            _ when IsWithoutNftables(errno) => false,
            _ => throw PlatformException.FromErrno($"nftables: delete table {table.Family} {table.Name}", errno),
        };
    }

    /// <summary>Sends a batch of which one message asks for an answer, and returns that answer: an errno, or 0.</summary>
    private static int Change(byte[] batch)
    {
        using NetlinkSocket socket = new();
        socket.Send(batch);
        while (true)
        {
            NetlinkReader message = socket.Receive();
            while (message.Next())
            {
                if (message.Type == NetlinkSocket.TypeError)
                {
                    return NetlinkSocket.ErrnoOf(message.Body);
                }
            }
        }
    }

    /// <summary>The netlink core's words for a subsystem that is neither built in nor loadable.</summary>
    private static bool IsWithoutNftables(int errno) => errno is Errno.EINVAL or Errno.EOPNOTSUPP;
}
