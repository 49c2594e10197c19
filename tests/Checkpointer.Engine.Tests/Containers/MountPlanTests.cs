using Checkpointer.Engine.Containers;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Containers;

/// <summary>What becomes of each mount, by a mountinfo as runc makes it for a pod's container (cgroup v1).</summary>
public sealed class MountPlanTests : IDisposable
{
    private const string EmptyDir = "/var/lib/kubelet/pods/7f1c/volumes/kubernetes.io~empty-dir/scratch";
    private const string Token = "/var/lib/kubelet/pods/7f1c/volumes/kubernetes.io~projected/kube-api-access-x";

    private static readonly string[] Lines =
    [
        "142 141 0:65 / /proc rw,relatime - proc proc rw",
        "143 141 0:66 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755",
        "144 143 0:67 / /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666",
        "145 143 0:68 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k",
        "146 143 0:64 / /dev/mqueue rw,nosuid,nodev,noexec,relatime - mqueue mqueue rw",
        "160 143 254:1 /termination /dev/termination-log rw,relatime - ext4 /dev/vda1 rw",
        "147 141 0:69 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro",
        "148 147 0:70 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755",
        "149 148 0:28 /c1 /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu",
        "105 142 0:65 /bus /proc/bus ro,relatime - proc proc rw",
        "109 142 0:71 / /proc/acpi ro,relatime - tmpfs tmpfs ro",
        "110 142 0:66 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755",
        "112 147 0:72 / /sys/firmware ro,relatime - tmpfs tmpfs ro",
        "161 141 254:1 /hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw",
        "162 141 0:80 / /run/secrets/kubernetes.io/serviceaccount ro,relatime - tmpfs tmpfs rw",
        "163 141 254:1 /empty /scratch rw,relatime - ext4 /dev/vda1 rw",
        "164 141 0:81 / /tmp rw,relatime - tmpfs tmpfs rw",
        "165 141 254:2 / /data rw,relatime - ext4 /dev/vdb rw",
    ];

    private static readonly ContainerVolume[] Volumes =
    [
        new("/scratch", EmptyDir, false), new("/data", "/srv/claim", false), new("/run/secrets/kubernetes.io/serviceaccount", Token, true),
        new("/etc/hosts", "/var/lib/kubelet/pods/7f1c/etc-hosts", false), new("/dev/termination-log", "/var/lib/kubelet/pods/7f1c/log", false),
    ];

    private readonly TemporaryDirectory _directory = new();

    private string Upper => Directory.CreateDirectory(Path.Combine(_directory.Path, "upper")).FullName;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Only_the_workloads_own_files_travel()
    {
        var plan = Read(Root(Upper));
        Assert.Equal(["/", "/dev/shm", "/scratch", "/tmp"], plan.Captured.Select(p => p.MountPoint).Order());
        Assert.Equal(FileTreeKind.OverlayUpper, plan.Captured.Single(p => p.MountPoint == "/").Kind);
        Assert.Equal(Upper, plan.Captured.Single(p => p.MountPoint == "/").Source);
        Assert.Equal("/proc/4711/root", plan.Captured.Single(p => p.MountPoint == "/tmp").Source);
        Assert.NotNull(plan.Captured.Single(p => p.MountPoint == "/tmp").Mount);
        Assert.Null(plan.RootNotCaptured);
    }

    [Fact]
    public void A_writable_volume_of_somebody_else_is_named_as_not_covered()
    {
        Assert.Equal(["/data"], Read(Root(Upper)).Uncovered);
    }

    [Fact]
    public void Only_proc_and_the_root_are_not_external()
    {
        var external = Read(Root(Upper)).External.Select(m => m.Destination).ToList();
        Assert.DoesNotContain("/", external);
        Assert.DoesNotContain("/proc", external);
        Assert.DoesNotContain("/proc/bus", external);
        Assert.Equal(
            [
                "/data", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/dev/termination-log", "/etc/hosts", "/proc/acpi", "/proc/keys", "/run/secrets/kubernetes.io/serviceaccount", "/scratch",
                "/sys", "/sys/firmware", "/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/tmp",
            ],
            external.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_mount_whose_source_was_deleted_is_external_like_any_other()
    {
        Assert.Empty(Read(Root(Upper)).Deleted);
        var plan = With("170 141 254:1 /resolv.conf//deleted /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw");
        Assert.Equal(["/etc/resolv.conf"], plan.Deleted.Select(m => m.MountPoint));
        Assert.Contains("/etc/resolv.conf", plan.External.Select(m => m.Destination));
        Assert.Empty(plan.Lost);
    }

    [Fact]
    public void A_part_of_proc_whose_process_has_ended_is_lost()
    {
        var plan = With("170 141 0:65 /4711//deleted /mnt ro,relatime - proc proc rw");
        Assert.Equal(["/mnt"], plan.Lost);
        Assert.Empty(plan.Deleted);
    }

    [Fact]
    public void Keys_are_what_a_manifest_may_hold()
    {
        var external = Read(Root(Upper)).External;
        Assert.All(external, m => Assert.True(m.HasPlausibleKey));
        Assert.Equal(external.Count, external.Select(m => m.Key).Distinct().Count());
        Assert.False((external[0] with { Key = "m1]:/etc" }).HasPlausibleKey);
        Assert.False((external[0] with { Key = "m" }).HasPlausibleKey);
    }

    [Fact]
    public void A_root_that_is_no_overlay_cannot_be_captured()
    {
        Assert.Contains("ext4", Read("141 104 254:1 /rootfs / rw,relatime - ext4 /dev/vda1 rw").RootNotCaptured, StringComparison.Ordinal);
        Assert.Contains("not visible", Read(Root("/nowhere/upper")).RootNotCaptured, StringComparison.Ordinal);
    }

    [Fact]
    public void A_root_below_a_directory_with_a_space_is_captured()
    {
        var upper = Directory.CreateDirectory(Path.Combine(_directory.Path, "of the runtime", "upper")).FullName;
        var plan = Read(Root(upper.Replace(" ", @"\040", StringComparison.Ordinal)));
        Assert.Null(plan.RootNotCaptured);
        Assert.Equal(upper, plan.Captured.Single(p => p.MountPoint == "/").Source);
    }

    [Fact]
    public void The_nodes_own_shared_memory_is_not_the_workloads()
    {
        var plan = MountPlan.Read([.. Lines.Prepend(Root(Upper)).Select(ProcMountInfo.ParseLine)], 4711, Volumes, (ProcMountInfo.ParseLine(Lines[3]).Device, "/"));
        Assert.DoesNotContain(plan.Captured, p => p.MountPoint == "/dev/shm");
        Assert.Contains("/dev/shm", plan.Uncovered);
    }

    [Fact]
    public void A_read_only_root_needs_no_capture()
    {
        var plan = Read(Root(Upper).Replace("rw,relatime", "ro,relatime", StringComparison.Ordinal));
        Assert.Null(plan.RootNotCaptured);
        Assert.DoesNotContain(plan.Captured, p => p.MountPoint == "/");
    }

    [Fact]
    public void Without_a_root_there_is_nothing_to_restore_into()
    {
        var error = Assert.Throws<OperationFailedException>(() => MountPlan.Read([ProcMountInfo.ParseLine(Lines[0])], 4711, []));
        Assert.Equal("container-mounts", error.Code);
    }

    private static string Root(string upper) => $"141 104 0:78 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir={upper},workdir=/w,uuid=on";

    private MountPlan With(string line) => MountPlan.Read([.. Lines.Prepend(Root(Upper)).Append(line).Select(ProcMountInfo.ParseLine)], 4711, Volumes);

    private static MountPlan Read(string root) => MountPlan.Read([.. Lines.Prepend(root).Select(ProcMountInfo.ParseLine)], 4711, Volumes);
}
