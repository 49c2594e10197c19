using System.Collections;

namespace Checkpointer.Engine.Criu;

/// <summary>The environment of CRIU and of what it runs: fixed, so that nothing of ours leaks into it and no PATH chooses its helpers.</summary>
internal static class CriuEnvironment
{
    /// <summary>Where CRIU finds ip, tar and iptables.</summary>
    public const string SearchPath = "/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Values for CliWrap, which adds to our environment: a null removes.</summary>
    public static IReadOnlyDictionary<string, string?> Build(IEnumerable<KeyValuePair<string, string?>> additions)
    {
        Dictionary<string, string?> result = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            result[(string)entry.Key] = null;
        }

        result["PATH"] = SearchPath;
        result["LC_ALL"] = "C";
        foreach (KeyValuePair<string, string?> addition in additions)
        {
            result[addition.Key] = addition.Value;
        }

        return result;
    }
}
