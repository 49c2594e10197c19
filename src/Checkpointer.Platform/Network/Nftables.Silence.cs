using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>A network namespace in which the packets of some connections do not arrive.</summary>
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
    private const ushort NewRule = (Subsystem << 8) | 6;
    private const ushort AttributeRuleTable = 1;
    private const ushort AttributeRuleChain = 2;
    private const ushort AttributeRuleExpressions = 4;
    private const ushort AttributeElement = 1;
    private const ushort AttributeExpressionName = 1;
    private const ushort AttributeExpressionData = 2;
    private const uint Accept = 1; // NF_ACCEPT
    private const uint Register = 1; // NFT_REG_1: 16 bytes, the first four of them NFT_REG32_00
    private const uint NetworkHeader = 1;
    private const uint TransportHeader = 2;
    private const uint MetaFamily = 15; // NFT_META_NFPROTO
    private const uint MetaProtocol = 16; // NFT_META_L4PROTO
    private const byte ProtocolTcp = 6;

    /// <summary>Rules of one batch: a rule takes some 500 bytes, and a socket sends at most some 200 KiB at once.</summary>
    private const int RulesAtOnce = 128;

    /// <summary>
    /// Makes a table of that name that drops what arrives for some TCP connections, in a process's network namespace, and hinders nothing
    /// else. So no kernel answers for a socket that is not there. Deleting the table ends it.
    /// </summary>
    /// <param name="table">Of family inet.</param>
    /// <param name="connections">Our end and the peer's of each, of one family.</param>
    /// <param name="netnsPid">A process in the namespace.</param>
    /// <exception cref="PlatformException">The kernel refuses, or has no nftables.</exception>
    public static void Silence(NftTable table, IReadOnlyCollection<(IPEndPoint Local, IPEndPoint Remote)> connections, int netnsPid)
    {
        using SafeFileHandle network = NetNamespace.Open(netnsPid);
        Silence(table, connections, network);
    }

    /// <summary>As the other, in a network namespace.</summary>
    public static void Silence(NftTable table, IReadOnlyCollection<(IPEndPoint Local, IPEndPoint Remote)> connections, SafeFileHandle network) =>
        NetNamespace.Run(network, () =>
        {
            Make(table);
            foreach (var some in connections.Chunk(RulesAtOnce))
            {
                Drop(table, some);
            }
        });

    /// <summary>A table with one chain, through which all passes that arrives.</summary>
    private static void Make(NftTable table)
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
            .Number(AttributeChainPolicy, Accept)
            .Text(AttributeChainType, "filter")
            .Begin(BatchEnd, NetlinkMessage.FlagRequest, Sequence + 3, family: 0, Subsystem)
            .ToArray();
        int errno = Change(batch);
        if (errno != 0)
        {
            throw PlatformException.FromErrno($"nftables: make table {table.Family} {table.Name}", errno);
        }
    }

    private static void Drop(NftTable table, IReadOnlyList<(IPEndPoint Local, IPEndPoint Remote)> connections)
    {
        const ushort Append = NetlinkMessage.FlagRequest | 0x400 | 0x800; // NLM_F_CREATE, NLM_F_APPEND
        NetlinkMessage batch = new NetlinkMessage().Begin(BatchBegin, NetlinkMessage.FlagRequest, Sequence, family: 0, Subsystem);
        for (int i = 0; i < connections.Count; i++)
        {
            // The answer to the last is the outcome; an error is told for any.
            ushort flags = i == connections.Count - 1 ? (ushort)(Append | NetlinkMessage.FlagAcknowledge) : Append;
            batch.Begin(NewRule, flags, Sequence + 1, (byte)table.Family, resourceId: 0)
                .Text(AttributeRuleTable, table.Name)
                .Text(AttributeRuleChain, InputChain)
                .Nested(AttributeRuleExpressions, rule => Match(rule, connections[i].Local, connections[i].Remote));
        }

        int errno = Change(batch.Begin(BatchEnd, NetlinkMessage.FlagRequest, Sequence + 2, family: 0, Subsystem).ToArray());
        if (errno != 0)
        {
            throw PlatformException.FromErrno($"nftables: add rules to {table.Family} {table.Name}", errno);
        }
    }

    private static void Match(NetlinkMessage rule, IPEndPoint local, IPEndPoint remote)
    {
        const byte FamilyIp = 2, FamilyIp6 = 10; // NFPROTO_*
        bool six = local.AddressFamily == AddressFamily.InterNetworkV6;
        (uint from, uint to, uint length) = six ? (8u, 24u, 16u) : (12u, 16u, 4u);
        byte[] ports = new byte[2 * sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(ports, (ushort)remote.Port);
        BinaryPrimitives.WriteUInt16BigEndian(ports.AsSpan(sizeof(ushort)), (ushort)local.Port);
        Meta(rule, MetaFamily, six ? FamilyIp6 : FamilyIp);
        Meta(rule, MetaProtocol, ProtocolTcp);
        Payload(rule, NetworkHeader, from, length, remote.Address.GetAddressBytes());
        Payload(rule, NetworkHeader, to, length, local.Address.GetAddressBytes());
        Payload(rule, TransportHeader, 0, (uint)ports.Length, ports);

        // Into the register of verdicts: drop.
        Expression(rule, "immediate", static e => e.Number(1, 0).Nested(2, static data => data.Nested(2, static verdict => verdict.Number(1, Dropped))));
    }

    private static void Meta(NetlinkMessage rule, uint key, byte value)
    {
        Expression(rule, "meta", e => e.Number(1, Register).Number(2, key));
        Equals(rule, [value]);
    }

    private static void Payload(NetlinkMessage rule, uint header, uint offset, uint length, byte[] value)
    {
        Expression(rule, "payload", e => e.Number(1, Register).Number(2, header).Number(3, offset).Number(4, length));
        Equals(rule, value);
    }

    private static void Equals(NetlinkMessage rule, byte[] value) =>
        Expression(rule, "cmp", e => e.Number(1, Register).Number(2, 0).Nested(3, data => data.Bytes(1, value)));

    private static void Expression(NetlinkMessage rule, string name, Action<NetlinkMessage> data) =>
        rule.Nested(AttributeElement, element => element.Text(AttributeExpressionName, name).Nested(AttributeExpressionData, data));
}
