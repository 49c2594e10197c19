namespace Checkpointer.Platform;

/// <summary>The address family of an nftables table, by the kernel's numbers (NFPROTO_*).</summary>
public enum NftFamily
{
    /// <summary>IPv4 and IPv6 together; CRIU's network lock is one of these.</summary>
    Inet = 1,

    /// <summary>IPv4.</summary>
    Ip = 2,

    /// <summary>ARP.</summary>
    Arp = 3,

    /// <summary>Packets at a device.</summary>
    Netdev = 5,

    /// <summary>Bridged packets.</summary>
    Bridge = 7,

    /// <summary>IPv6.</summary>
    Ip6 = 10,
}

/// <summary>Family and name: what identifies a table in a network namespace.</summary>
public readonly record struct NftTable(NftFamily Family, string Name);
