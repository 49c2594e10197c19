using System.Globalization;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The order in which CRIU asks for the files of an image, roughly: what describes the whole tree, then what belongs to single tasks, by their numbers. Pages of shared
/// memory have the highest number of all pages, because they were dumped last; they are needed last too.
/// </summary>
internal static class NeedOrder
{
    public static IEnumerable<SnapshotFile> Sort(IEnumerable<SnapshotFile> files) =>
        files.OrderBy(static f => NumberOf(f.Name)).ThenBy(static f => f.Name, StringComparer.Ordinal);

    // "core-12.img": 12. Without a number: before all of them.
    private static long NumberOf(string name)
    {
        ReadOnlySpan<char> stem = name.AsSpan(0, name.EndsWith(".img", StringComparison.Ordinal) ? name.Length - ".img".Length : name.Length);
        ReadOnlySpan<char> last = stem[(stem.LastIndexOf('-') + 1)..];
        return long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1;
    }
}
