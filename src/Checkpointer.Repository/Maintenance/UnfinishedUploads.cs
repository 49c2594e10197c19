namespace Checkpointer.Repository;

/// <summary>What killed uploads left in a store, and running ones hold.</summary>
internal static class UnfinishedUploads
{
    public static async Task<(int Count, long Bytes)> CountAsync(IBackend backend, CancellationToken cancellationToken)
    {
        int count = 0;
        long bytes = 0;
        await foreach (ObjectInfo upload in backend.ListUnfinishedAsync(cancellationToken).ConfigureAwait(false))
        {
            count++;
            bytes += upload.Length;
        }

        return (count, bytes);
    }
}
