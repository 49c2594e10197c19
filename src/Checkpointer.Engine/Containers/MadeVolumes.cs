using System.Globalization;
using Checkpointer.Engine.Compatibility;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// Directories and files of this node that take the places of a pod's own volumes in a pod that is made: what kubelet makes for a pod (emptyDirs, the
/// termination log) is made for this one, below <c>pods/UID</c> of the state directory. They go with the pod: when its restore fails, and, once somebody has removed the
/// pod, with the next start or the next pod that is made.
/// </summary>
internal static class MadeVolumes
{
    private const string TerminationLog = "/dev/termination-log";

    /// <summary>As kubelet names it, so that the next checkpoint knows what is the pod's own.</summary>
    private const string EmptyDirectories = "volumes/kubernetes.io~empty-dir";

    private const UnixFileMode Everybody = (UnixFileMode)0x1ff; // 0777, as kubelet makes an emptyDir

    private const UnixFileMode EverybodyWrites = (UnixFileMode)0x1b6; // 0666, as kubelet makes a termination log

    /// <summary>A pod that is just being made has its directories before the runtime knows it. It takes minutes at most.</summary>
    private static readonly TimeSpan YoungerStays = TimeSpan.FromHours(1);

    /// <summary>The runtime gives these to every container of the new pod itself; those of the old pod would tell of that.</summary>
    private static readonly string[] OfEveryPod = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

    /// <param name="state">The state directory.</param>
    /// <param name="uid">Of the pod.</param>
    /// <param name="parts">Of the snapshot.</param>
    /// <param name="shared">Places that several of them have in common.</param>
    /// <returns>The records with the volumes that they get, and what is told of those.</returns>
    /// <exception cref="HostException">They cannot be made.</exception>
    public static (IReadOnlyList<ContainerRecord> Records, IReadOnlyList<Finding> Findings) Make(
        string state, string uid, IReadOnlyList<ContainerPart> parts, IReadOnlyList<SharedMount> shared)
    {
        FindingList findings = new();
        Maker maker = new(Path.Combine(state, "pods", uid));
        List<ContainerRecord> records = [];
        foreach (var part in parts)
        {
            List<ContainerVolume> volumes = [];
            foreach (var volume in part.Record.Volumes)
            {
                var place = volume.Destination.Length > 1 ? volume.Destination.TrimEnd('/') : volume.Destination;
                var mount = part.Mounts.Find(m => m.Destination == place);
                if (OfEveryPod.Contains(place, StringComparer.Ordinal))
                {
                    continue;
                }

                if (mount is { Captured: true })
                {
                    volumes.Add(volume with { Source = maker.Directory(EmptyDirectories, Group(shared, part.Record.Name, place) ?? volume.Source) });
                }
                else if (place == TerminationLog)
                {
                    volumes.Add(volume with { Source = maker.File("files", $"{part.Record.Name}:{place}") });
                }
                else if (Path.Exists(volume.Source) || mount is null)
                {
                    volumes.Add(volume);
                }
                else
                {
                    findings.Overridable(
                        "volume-missing", place, $"{volume.Source}, which was mounted there, is not on this node, and its contents are not in the snapshot",
                        "the volume", $"make it there; or make the pod with its volumes by other means and name it with --into; or force it: an empty {(mount.IsFile ? "file" : "directory")} takes its place");
                    volumes.Add(volume with { Source = mount.IsFile ? maker.File("absent", volume.Source) : maker.Directory("absent", volume.Source) });
                }
            }

            records.Add(part.Record with { Volumes = volumes });
        }

        return (records, findings.ToVerdict().Findings);
    }

    /// <summary>Removes those of one pod, which is gone.</summary>
    public static void Remove(string state, string uid)
    {
        // It may come from a file, and files can be edited.
        if (Guid.TryParseExact(uid, "D", out _) && Path.Combine(state, "pods", uid) is var directory && Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Removes those of pods that somebody has removed since. What cannot be done now is logged, and done another time.</summary>
    public static async Task SweepAsync(EngineServices services, CancellationToken cancellationToken)
    {
        var all = Path.Combine(services.Options.StateDirectory, "pods");
        if (!Directory.Exists(all))
        {
            return;
        }

        try
        {
            var old = services.Time.GetUtcNow().UtcDateTime - YoungerStays;
            List<string> left = [.. Directory.EnumerateDirectories(all).Where(d => Directory.GetLastWriteTimeUtc(d) < old).Select(static d => Path.GetFileName(d))];
            if (left.Count == 0)
            {
                return;
            }

            var there = await services.Runtime.MadePodsAsync(cancellationToken).ConfigureAwait(false);
            foreach (var uid in left.Except(there, StringComparer.Ordinal))
            {
                Remove(services.Options.StateDirectory, uid);
            }
        }
        catch (Exception e) when (e is CheckpointerException or IOException or UnauthorizedAccessException)
        {
            EngineLog.CleanupFailed(services.Logger, e, "pods", "directories of pods that are gone");
        }
    }

    /// <summary>The same text for places that are one directory; null for a place of its own.</summary>
    private static string? Group(IReadOnlyList<SharedMount> shared, string container, string destination)
    {
        for (var i = 0; i < shared.Count; i++)
        {
            if (shared[i].Places.Exists(p => p.Container == container && p.Destination == destination))
            {
                return string.Create(CultureInfo.InvariantCulture, $"shared {i}");
            }
        }

        return null;
    }

    /// <summary>Makes each once. Names are numbers: what a manifest says does not become part of a path.</summary>
    private sealed class Maker(string root)
    {
        private readonly Dictionary<(string Kind, string Key), string> _made = [];

        public string Directory(string kind, string key) => Once(kind, key, static path =>
        {
            System.IO.Directory.CreateDirectory(path);
            System.IO.File.SetUnixFileMode(path, Everybody);
        });

        public string File(string kind, string key) => Once(kind, key, static path =>
        {
            System.IO.File.WriteAllBytes(path, []);
            System.IO.File.SetUnixFileMode(path, EverybodyWrites);
        });

        private string Once(string kind, string key, Action<string> make)
        {
            if (_made.TryGetValue((kind, key), out var there))
            {
                return there;
            }

            var folder = Path.Combine(root, kind);
            StateDirectories.Create(folder);
            var path = Path.Combine(folder, (_made.Count + 1).ToString(CultureInfo.InvariantCulture));
            try
            {
                make(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new HostException("state-directory", $"{path} cannot be made: {e.Message}", "Run as root, and have the state directory where files can be written.", e);
            }

            return _made[(kind, key)] = path;
        }
    }
}
