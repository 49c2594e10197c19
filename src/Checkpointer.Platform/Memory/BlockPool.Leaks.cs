#if DEBUG
using System.Collections.Concurrent;
using System.Diagnostics;

namespace Checkpointer.Platform;

public sealed partial class BlockPool
{
    private const int FramesShown = 12;

    private static readonly ConcurrentQueue<string> LeakQueue = new();

    /// <summary>Where blocks were rented that were never returned and have been collected since. DEBUG only.</summary>
    internal static IReadOnlyCollection<string> Leaks => LeakQueue;

    internal static void ReportLeak(StackTrace rentedAt)
    {
        string place = Describe(rentedAt);
        LeakQueue.Enqueue(place);
        Console.Error.WriteLine($"A block of a BlockPool was leaked. It was rented at:\n{place}");
    }

    /// <summary>The nearest callers; the far ones are the test runner's or the thread pool's.</summary>
    internal static string Describe(StackTrace rentedAt) =>
        string.Join('\n', rentedAt.ToString().Split('\n').Take(FramesShown));
}
#endif
