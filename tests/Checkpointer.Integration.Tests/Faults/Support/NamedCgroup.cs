using System.Globalization;
using System.Security.Cryptography;

namespace Checkpointer.Integration.Tests;

/// <summary>A cgroup that a test names for a restore, which makes it; it goes with the test.</summary>
internal sealed class NamedCgroup : IDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);

    internal string Name { get; } = "checkpointer-test-" + RandomNumberGenerator.GetHexString(8, lowercase: true);

    private IEnumerable<string> Places => Directory.EnumerateDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup")
        .Select(hierarchy => Path.Combine(hierarchy, Name)).Where(Directory.Exists);

    /// <summary>The processes in it, those that are ending too.</summary>
    internal IReadOnlyList<int> Members() =>
        [.. Places.SelectMany(place => File.ReadAllLines(Path.Combine(place, "cgroup.procs"))).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Distinct()];

    public void Dispose()
    {
        foreach (var pid in Members())
        {
            Signals.Send(pid, Signals.Kill);
        }

        SpinWait.SpinUntil(() => Members().Count == 0, EndLimit);
        foreach (var place in Places.ToList())
        {
            Directory.Delete(place);
        }
    }
}
