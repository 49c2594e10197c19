namespace Checkpointer.Platform.Tests;

public sealed class BlockTests : IDisposable
{
    private readonly BlockPool _pool = new(4 << 20);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void A_new_block_is_empty_and_has_its_full_size()
    {
        using Block block = _pool.Rent(CancellationToken.None);
        Assert.Equal((0, 0), (block.Length, block.Carry));
        Assert.Equal(BlockPool.BlockSize, block.Data.Length);
        Assert.Equal(BlockPool.BlockSize, block.Span.Length);
        Assert.True(block.Filled.IsEmpty);
    }

    [Fact]
    public void Carried_bytes_lie_directly_before_the_data()
    {
        using Block block = _pool.Rent(CancellationToken.None);
        new byte[] { 1, 2, 3 }.CopyTo(block.CarrySpan(3));
        block.Carry = 3;
        new byte[] { 4, 5 }.CopyTo(block.Data);
        block.Length = 2;
        Assert.Equal([1, 2, 3, 4, 5], block.Filled.ToArray());
        Assert.Equal([1, 2, 3, 4, 5], block.FilledMemory.ToArray());
        Assert.Equal(BlockPool.Headroom, block.CarrySpan(BlockPool.Headroom).Length);
    }

    [Fact]
    public void Lengths_beyond_the_block_are_refused()
    {
        using Block block = _pool.Rent(CancellationToken.None);
        Assert.Throws<ArgumentOutOfRangeException>(() => block.Length = BlockPool.BlockSize + 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => block.Length = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => block.Carry = BlockPool.Headroom + 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => block.CarrySpan(BlockPool.Headroom + 1).Length);
        block.Length = BlockPool.BlockSize;
        block.Carry = BlockPool.Headroom;
        Assert.Equal(BlockPool.BlockSize + BlockPool.Headroom, block.Filled.Length);
    }

    [Fact]
    public void A_returned_block_cannot_be_used()
    {
        Block block = _pool.Rent(CancellationToken.None);
        block.Dispose();
        Assert.Throws<ObjectDisposedException>(() => block.Data);
        Assert.Throws<ObjectDisposedException>(() => block.Filled.Length);
    }

    [Fact]
    public void Returning_twice_never_gives_a_block_to_two_owners()
    {
        Block first = _pool.Rent(CancellationToken.None);
        first.Dispose();
        using Block second = _pool.Rent(CancellationToken.None); // the same memory: last in, first out
#if DEBUG
        string message = Assert.Throws<InvalidOperationException>(first.Dispose).Message;
        Assert.Contains(nameof(Returning_twice_never_gives_a_block_to_two_owners), message, StringComparison.Ordinal);
#else
        first.Dispose();
#endif
        Assert.Equal(1, _pool.Outstanding);
    }

    [Fact]
    public async Task Memory_can_be_used_by_asynchronous_file_calls()
    {
        using TempDirectory directory = new();
        byte[] bytes = new byte[100_000];
        new Random(2).NextBytes(bytes);
        await File.WriteAllBytesAsync(directory["f"], bytes);
        using Block block = _pool.Rent(CancellationToken.None);
        await using FileStream file = File.OpenRead(directory["f"]);
        block.Length = await file.ReadAtLeastAsync(block.Data, bytes.Length);
        Assert.True(block.Filled.SequenceEqual(bytes), "the file's bytes are in the block");
    }
}
