using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Operations;

/// <summary>Whatever a checkpoint does with its memory, it is never more than it was given.</summary>
public sealed class OperationMemoryTests
{
    private const long Mebibyte = 1 << 20;

    [Theory]
    [InlineData(32)]
    [InlineData(40)]
    [InlineData(64)]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(4096)]
    public void The_parts_are_never_more_than_the_budget(long mebibytes)
    {
        var memory = OperationMemory.ForCheckpoint(mebibytes * Mebibyte, estimate: 1L << 40, searchParent: true);
        var used = memory.PoolBytes + WriterOptions.OverheadBytes(memory.Workers) + WriterOptions.ParentOverheadBytes(memory.ParentBytes);
        Assert.InRange(used, 0, mebibytes * Mebibyte);
        Assert.True(memory.PoolBytes >= OperationMemory.Minimum / 2);
    }

    [Theory]
    [InlineData(64, 8)]
    [InlineData(256, 32)]
    [InlineData(512, 64)]
    [InlineData(4096, 64)]
    public void An_eighth_is_for_the_parent(long mebibytes, long parent) =>
        Assert.Equal(parent * Mebibyte, OperationMemory.ForCheckpoint(mebibytes * Mebibyte, 1L << 40, searchParent: true).ParentBytes);

    [Fact]
    public void The_least_budget_has_nothing_for_it_and_says_so()
    {
        var memory = OperationMemory.ForCheckpoint(OperationMemory.Minimum, 1L << 40, searchParent: true);
        Assert.Equal(0, memory.ParentBytes);
        var finding = Assert.Single(memory.Findings(null));
        Assert.Equal("parent-memory", finding.Code);
        Assert.Equal(FindingSeverity.Note, finding.Severity);
    }

    [Fact]
    public void Without_a_parent_nothing_is_set_aside_and_nothing_is_said()
    {
        var memory = OperationMemory.ForCheckpoint(512 * Mebibyte, 1L << 40, searchParent: false);
        Assert.Equal(0, memory.ParentBytes);
        Assert.Empty(memory.Findings(null));
    }
}
