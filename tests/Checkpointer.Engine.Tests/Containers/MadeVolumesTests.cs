using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Tests.Support;

namespace Checkpointer.Engine.Tests.Containers;

/// <summary>What takes the places of a pod's volumes on a node that has none of them.</summary>
public sealed class MadeVolumesTests : IDisposable
{
    private const string Uid = "7f1c0000-0000-4000-8000-000000000000";
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_kubelet_makes_for_a_pod_is_made_and_what_it_is_given_is_told()
    {
        var here = Directory.CreateDirectory(_directory.File("here")).FullName;
        var part = Part(
            "main",
            (new ContainerVolume("/cache/", "/nowhere/kubernetes.io~empty-dir/cache", false), Captured: true, IsFile: false),
            (new ContainerVolume("/dev/termination-log", here, false), false, true),
            (new ContainerVolume("/etc/hosts", here, false), false, true),
            (new ContainerVolume("/here", here, true), false, false),
            (new ContainerVolume("/token", "/nowhere/token", true), false, false),
            (new ContainerVolume("/app.conf", "/nowhere/app.conf", true), false, true));

        var (records, findings) = MadeVolumes.Make(_directory.Path, Uid, [part], []);

        var volumes = Assert.Single(records).Volumes.ToDictionary(static v => v.Destination);
        Assert.Equal(["/app.conf", "/cache/", "/dev/termination-log", "/here", "/token"], volumes.Keys.Order(StringComparer.Ordinal));
        Assert.All(volumes.Where(static v => v.Key != "/here"), v => Assert.StartsWith(_directory.File($"pods/{Uid}/"), v.Value.Source, StringComparison.Ordinal));
        Assert.Equal(here, volumes["/here"].Source);
        Assert.Contains("/kubernetes.io~empty-dir/", volumes["/cache/"].Source, StringComparison.Ordinal);
        Assert.True(Directory.Exists(volumes["/cache/"].Source) && Directory.Exists(volumes["/token"].Source));
        Assert.True(File.Exists(volumes["/dev/termination-log"].Source) && File.Exists(volumes["/app.conf"].Source));
        Assert.True(volumes["/token"].ReadOnly);
        Assert.Equal(
            [("volume-missing", FindingSeverity.Overridable, "/app.conf"), ("volume-missing", FindingSeverity.Overridable, "/token")],
            findings.Select(static f => (f.Code, f.Severity, f.Subject)).OrderBy(static f => f.Subject, StringComparer.Ordinal));
    }

    /// <summary>The old pod may still be there, and its directories with it: they are its own.</summary>
    [Fact]
    public void An_emptyDir_is_never_the_old_pods()
    {
        var old = Directory.CreateDirectory(_directory.File("kubernetes.io~empty-dir/cache")).FullName;
        var (records, _) = MadeVolumes.Make(_directory.Path, Uid, [Part("main", (new ContainerVolume("/cache", old, false), true, false))], []);
        Assert.NotEqual(old, Assert.Single(records[0].Volumes).Source);
    }

    [Fact]
    public void What_containers_had_in_common_they_have_in_common()
    {
        var parts = new[]
        {
            Part("a", (new ContainerVolume("/x", "/nowhere/one", false), true, false), (new ContainerVolume("/y", "/nowhere/two", false), true, false)),
            Part("b", (new ContainerVolume("/z", "/nowhere/one", false), true, false), (new ContainerVolume("/w", "/by/another/path", false), true, false)),
        };
        var (records, _) = MadeVolumes.Make(
            _directory.Path, Uid, parts, [new SharedMount { Places = [new SharedPlace("a", "/y"), new SharedPlace("b", "/w")] }]);
        Assert.Equal(records[0].Volumes[0].Source, records[1].Volumes[0].Source);
        Assert.Equal(records[0].Volumes[1].Source, records[1].Volumes[1].Source);
        Assert.NotEqual(records[0].Volumes[0].Source, records[0].Volumes[1].Source);
    }

    [Fact]
    public void Only_what_has_a_uid_for_its_name_is_removed()
    {
        Directory.CreateDirectory(_directory.File("pods"));
        Directory.CreateDirectory(_directory.File("other"));
        MadeVolumes.Remove(_directory.Path, "../other");
        Assert.True(Directory.Exists(_directory.File("other")));
    }

    private static ContainerPart Part(string name, params (ContainerVolume Volume, bool Captured, bool IsFile)[] volumes) => new()
    {
        Record = new ContainerRecord { Id = name, Name = name, Pid = 0, Image = "i", Runtime = "containerd", Volumes = [.. volumes.Select(static v => v.Volume)] },
        Mounts = [.. volumes.Select(static (v, i) => new ContainerMount
        {
            Key = $"m{i + 1}",
            Destination = v.Volume.Destination.TrimEnd('/'),
            FileSystem = "ext4",
            Captured = v.Captured,
            IsFile = v.IsFile,
        })],
    };
}
