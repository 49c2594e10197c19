namespace Checkpointer.Platform;

/// <summary>A network namespace in which no packet arrives, not even over loopback.</summary>
public static partial class Nftables
{
    private const ushort NewChain = (Subsystem << 8) | 3;
    private const ushort AttributeChainTable = 1;
    private const ushort AttributeChainName = 3;
    private const ushort AttributeChainHook = 4;
    private const ushort AttributeChainPolicy = 5;
    private const ushort AttributeChainType = 7;
    private const ushort AttributeHookNumber = 1;
    private const ushort AttributeHookPriority = 2;
    private const uint LocalInput = 1; // NF_INET_LOCAL_IN
    private const uint Dropped = 0; // NF_DROP
    private const string InputChain = "input";

    /// <summary>
    /// Makes a table of that name that drops whatever arrives, in a process's network namespace. Packets can be sent, so that no program
    /// is told of an error; nobody gets them. Deleting the table ends it. One that is there already is no error.
    /// </summary>
    /// <exception cref="PlatformException">The kernel refuses, or has no nftables.</exception>
    public static void Deafen(NftTable table, int netnsPid) => NetNamespace.Run(netnsPid, () => Make(table, Dropped));

    /// <summary>A table with one chain, through which all passes that arrives.</summary>
    private static void Make(NftTable table, uint policy)
    {
        const ushort Create = NetlinkMessage.FlagRequest | 0x400; // NLM_F_CREATE
        byte[] batch = new NetlinkMessage()
            .Begin(BatchBegin, NetlinkMessage.FlagRequest, Sequence, family: 0, Subsystem)
            .Begin(NewTable, Create, Sequence + 1, (byte)table.Family, resourceId: 0)
            .Text(AttributeTableName, table.Name)
            .Begin(NewChain, Create | NetlinkMessage.FlagAcknowledge, Sequence + 2, (byte)table.Family, resourceId: 0)
            .Text(AttributeChainTable, table.Name)
            .Text(AttributeChainName, InputChain)
            .Nested(AttributeChainHook, static hook => hook.Number(AttributeHookNumber, LocalInput).Number(AttributeHookPriority, 0))
            .Number(AttributeChainPolicy, policy)
            .Text(AttributeChainType, "filter")
            .Begin(BatchEnd, NetlinkMessage.FlagRequest, Sequence + 3, family: 0, Subsystem)
            .ToArray();
        int errno = Change(batch);
        if (errno != 0)
        {
            throw PlatformException.FromErrno($"nftables: make table {table.Family} {table.Name}", errno);
        }
    }
}
