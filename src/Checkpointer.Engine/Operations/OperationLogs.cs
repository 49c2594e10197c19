namespace Checkpointer.Engine;

/// <summary>Where CRIU's logs of each operation are kept, and how many of them.</summary>
internal static class OperationLogs
{
    /// <summary>Logs of this many operations are kept: a log at -v4 is some 100 KiB to a few MiB.</summary>
    private const int Kept = 50;

    /// <summary>The operations whose logs are kept.</summary>
    public static IReadOnlyList<string> Operations(string stateDirectory)
    {
        var root = RootOf(stateDirectory);
        return Directory.Exists(root)
            ? [.. Directory.EnumerateDirectories(root).Select(Path.GetFileName).OfType<string>().Where(RequestCheck.IsId)]
            : [];
    }

    /// <summary>Makes the log directory of an operation and removes the oldest ones.</summary>
    public static string Create(string stateDirectory, string operation)
    {
        var root = RootOf(stateDirectory);
        StateDirectories.Create(root);
        foreach (var old in new DirectoryInfo(root).EnumerateDirectories().OrderByDescending(static d => d.LastWriteTimeUtc).Skip(Kept - 1))
        {
            try
            {
                old.Delete(recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // Another operation removed it first.
            }
        }

        var directory = Path.Combine(root, operation);
        StateDirectories.Create(directory);
        return directory;
    }

    private static string RootOf(string stateDirectory) => Path.Combine(stateDirectory, "logs");
}
