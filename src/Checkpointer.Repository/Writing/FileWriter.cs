using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>
/// One file of a snapshot being written, by one thread at a time. After the writer's first failure every call throws that failure
/// (and <see cref="Append"/> still gives the block back).
/// </summary>
public sealed class FileWriter
{
    /// <summary>Bytes appended so far.</summary>
    public long Length => throw new NotImplementedException();

    /// <summary>Takes ownership of a block with <see cref="Block.Carry"/> 0. Never waits for the store.</summary>
    public void Append(Block block) => throw new NotImplementedException();

    /// <summary>Copies the bytes; for small files. May wait for a worker when many small bytes are queued.</summary>
    public void Write(ReadOnlySpan<byte> data) => throw new NotImplementedException();

    /// <summary>No more bytes follow. Every file must be completed before the commit.</summary>
    public void Complete() => throw new NotImplementedException();
}
