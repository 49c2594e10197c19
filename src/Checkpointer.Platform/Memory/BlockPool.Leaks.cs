#if DEBUG
using System.Collections.Concurrent;

namespace Checkpointer.Platform;

public sealed partial class BlockPool
{
    private static readonly ConcurrentQueue<string> LeakQueue = new();

    /// <summary>Where blocks were rented that were never returned and have been collected since. DEBUG only.</summary>
    internal static IReadOnlyCollection<string> Leaks => LeakQueue;

    internal static void ReportLeak(string rentedAt)
    {
        LeakQueue.Enqueue(rentedAt);
        Console.Error.WriteLine($"A block of a BlockPool was leaked. It was rented at:\n{rentedAt}");
    }
}
#endif
