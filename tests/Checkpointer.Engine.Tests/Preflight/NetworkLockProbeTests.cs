using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

public sealed class NetworkLockProbeTests
{
    [Fact]
    public void A_firewall_and_a_lock_or_two_are_not_worth_a_word()
    {
        Assert.Null(NetworkLockProbe.Judge([]));
        Assert.Null(NetworkLockProbe.Judge(Tables(NetworkLockProbe.ManyTables - 3, 2)));
    }

    [Fact]
    public void Locks_that_pile_up_are_counted()
    {
        Assert.Equal("63 nftables tables, 60 of them network locks of CRIU", NetworkLockProbe.Judge(Tables(3, 60)));
    }

    private static List<NftTable> Tables(int firewall, int locks) =>
    [
        .. Enumerable.Range(0, firewall).Select(i => new NftTable(NftFamily.Ip, $"filter-{i}")),
        .. Enumerable.Range(0, locks).Select(i => new NftTable(NftFamily.Inet, $"CRIU-{i:x8}")),
    ];
}
