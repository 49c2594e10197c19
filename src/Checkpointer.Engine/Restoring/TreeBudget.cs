using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>Divides the buffers of a restore among its trees: what each needs at least, and of the rest a share by its size.</summary>
internal static class TreeBudget
{
    /// <summary>Bytes for each tree, together never more than <paramref name="budget"/> or than is of use.</summary>
    /// <exception cref="UsageException">The budget is too small.</exception>
    public static IReadOnlyList<long> Divide(long budget, SnapshotReader reader, IReadOnlyList<string> prefixes)
    {
        var images = prefixes.Select(prefix => SnapshotImage.Of(reader, prefix)).ToList();
        var least = images.Select(static files => Math.Max(ServeBudget.MinimumBytes(files), 2L * (BlockPool.BlockSize + BlockPool.Headroom))).ToList();
        var needed = Math.Max(least.Sum(), OperationMemory.Minimum);
        if (budget < needed)
        {
            throw OperationMemory.TooSmall(budget, needed);
        }

        // More than the image is of no use.
        var rest = Math.Min(budget, Math.Max(needed, OperationMemory.Useful(reader.Info.BytesCaptured))) - least.Sum();
        var sizes = images.Select(static files => (double)files.Sum(static f => f.Length) + 1).ToList();
        return [.. least.Select((bytes, i) => bytes + (long)(rest * (sizes[i] / sizes.Sum())))];
    }
}
