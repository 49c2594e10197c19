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

    [Fact]
    public void A_fresh_namespace_has_no_tables()
    {
        Need.Root();
        using Child child = Child.InOwnNetwork();
        Assert.Empty(Nftables.ListTables(child.Pid));
        Assert.False(Nftables.DeleteTable(new NftTable(NftFamily.Inet, "CRIU-1"), child.Pid));
    }
}
