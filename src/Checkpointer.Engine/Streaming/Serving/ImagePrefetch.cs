using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// Reads the beginnings of files before CRIU asks for them, each into its own slot, which nobody else could use: the small files whole, because CRIU asks for hundreds of
/// them one after another, then the heads of the large ones. Many at once, so that a store far away is asked a few times and not hundreds of times.
/// </summary>
/// <param name="image">Where they are.</param>
/// <param name="feeds">Told of each file before it is read, and when to go on.</param>
internal sealed class ImagePrefetch(IImageSource image, ImageFeeds feeds)
{
    // Files read before CRIU asks: bounds what a hundred thousand pipes would cost in bookkeeping.
    private const int MaxSmall = 4096;

    // Large files whose head is there and that nobody has opened: each holds a part of the map (48 KiB).
    private const int MaxHeads = 64;

    // Files of one round: few requests, and the first is not far away.
    private const int Batch = 64;

    private readonly SemaphoreSlim _heads = new(MaxHeads);

    /// <summary>Large, or pages, which somebody asks for one by one: only the beginning is read, and no pipe is filled with it.</summary>
    public static bool IsHead(SnapshotFile file) => file.Length > 0 && (ServeBudget.IsBulk(file) || file.Kind == FileKind.Pages);

    /// <summary>A large file whose head was read is open now: there is room for another.</summary>
    public void HeadTaken() => _heads.Release();

    /// <summary>Until all is read that can be, or everything ends.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<SnapshotFile> files = [.. NeedOrder.Sort(image.Files)];
        IEnumerable<SnapshotFile> small = files.Where(static f => !IsHead(f)).Take(MaxSmall);
        foreach (SnapshotFile[] batch in small.Chunk(Batch))
        {
            await feeds.PrimeAsync(batch, cancellationToken).ConfigureAwait(false);
        }

        Queue<SnapshotFile> large = new(files.Where(IsHead));
        while (large.Count > 0)
        {
            List<SnapshotFile> batch = [];
            await _heads.WaitAsync(cancellationToken).ConfigureAwait(false);
            do
            {
                batch.Add(large.Dequeue());
            }
            while (large.Count > 0 && batch.Count < Batch && _heads.Wait(0, CancellationToken.None));
            await feeds.PrimeAsync(batch, cancellationToken).ConfigureAwait(false);
        }
    }
}
