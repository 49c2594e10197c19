using System.Globalization;
using Checkpointer.Engine.Compatibility;

namespace Checkpointer.Engine.Gpu;

/// <summary>Where a snapshot's GPUs would come from here, and what speaks against it.</summary>
/// <param name="Places">Ids of the snapshot's GPUs and of those here that stand for them; empty where a finding says that some have none.</param>
/// <param name="Findings">Heaviest first.</param>
internal sealed record GpuPlan(IReadOnlyDictionary<string, string> Places, IReadOnlyList<Finding> Findings)
{
    /// <summary>For the driver, for all GPUs; null for the same ones.</summary>
    public string? Map => GpuPlacement.Map(Places);

    /// <summary>The same for the GPUs of one tree only: the driver wants to hear of those that a process saw.</summary>
    public string? MapFor(GpuRecord tree) => GpuPlacement.Map(Places.Where(p => tree.Devices.Exists(d => d.Uuid == p.Key)).ToDictionary(StringComparer.Ordinal));

    /// <summary>Where the time for it went.</summary>
    public Dictionary<string, double> Timings { get; init; } = [];
}

/// <summary>The verdict "equal or greater" for GPUs: same model and capability, at least as many, as large and as new.</summary>
internal static class GpuCompatibility
{
    /// <summary>A checkpoint's device memory counts as used for about a second after it is free.</summary>
    private static readonly TimeSpan ReleaseLag = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    private static readonly Dictionary<string, string> None = [];

    /// <param name="services">The engine's.</param>
    /// <param name="driver">Asked about this node.</param>
    /// <param name="trees">What each tree of the snapshot says of its GPUs; null for one that used none.</param>
    /// <param name="roots">Root directories of the containers that they go into, as paths of ours; null for a plain tree, or where that is not known yet.</param>
    /// <param name="wishes">Pairs <c>OLD=NEW</c> of a person.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>One plan for all trees; null where none used a GPU.</returns>
    public static async Task<GpuPlan?> PlanAsync(
        EngineServices services,
        GpuDriver driver,
        IReadOnlyList<GpuRecord?> trees,
        Func<int, string?> roots,
        IReadOnlyList<string> wishes,
        CancellationToken cancellationToken)
    {
        var parsed = GpuWishes.Parse(wishes);
        List<GpuRecord> records = [.. trees.OfType<GpuRecord>()];
        records.ForEach(Check);
        if (GpuRecords.Join(records) is not { } record)
        {
            return parsed.Count == 0
                ? null
                : throw new UsageException("gpu-map", "The snapshot uses no GPU.", "Leave --gpu out.");
        }

        var reach = new GpuReach(
            [.. trees.Select((record, i) => (record, i)).Where(static t => t.record is not null).Select(t => (t.record!, roots(t.i) is { } root ? GpuReach.MinorsIn(root) : null))]);
        driver.Clock.Begin();
        var start = services.Time.GetTimestamp();
        while (true)
        {
            var plan = Plan(record, await GpuNode.ReadAsync(services, driver, cancellationToken).ConfigureAwait(false), parsed, reach);
            if (plan.Findings.All(static f => f.Code != "gpu-memory-busy") || services.Time.GetElapsedTime(start) > ReleaseLag)
            {
                return plan with { Timings = driver.Clock.Finish() };
            }

            await Task.Delay(PollInterval, services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    internal static GpuPlan Plan(GpuRecord record, GpuNode node, IReadOnlyDictionary<string, string> wishes, GpuReach? reach = null)
    {
        reach ??= GpuReach.All;
        FindingList findings = new();
        if (node.Failure is { } failure)
        {
            findings.Blocker("gpu-none", "GPUs", failure.Text, Describe(record.Devices), "restore on a node with these GPUs");
            return new GpuPlan(None, findings.ToVerdict().Findings);
        }

        Wishes(record, node, wishes, findings);
        var places = GpuPlacement.Propose(record, node, wishes, reach);
        foreach (var old in record.Devices)
        {
            if (places[old.Uuid] is { } place)
            {
                Compare(old, place, node, findings);
                if (!reach.Allows(old.Uuid, place, node))
                {
                    findings.Overridable("gpu-not-in-container", $"{place.Name} {place.Uuid}", "the new container has no device file of it", "a GPU of the container's own", "choose one of the container's with --gpu");
                }
            }
            else if (!wishes.ContainsKey(old.Uuid))
            {
                Missing(old, record, node, reach, findings);
            }
        }

        var plan = new GpuPlan(
            places.Values.All(static p => p is not null) ? places.ToDictionary(static p => p.Key, static p => p.Value!.Uuid, StringComparer.Ordinal) : None, []);
        Driver(record, node, plan.Map, findings);
        return plan with { Findings = findings.ToVerdict().Findings };
    }

    // What comes from a manifest becomes a part of a request to the worker.
    private static void Check(GpuRecord record)
    {
        const int MaxDevices = 64;
        if (record.Devices.Count > MaxDevices || record.Devices.Any(static d => GpuWishes.Parse([$"{d.Uuid}={d.Uuid}"]).Count != 1)
            || record.Devices.Select(static d => d.Uuid).Distinct(StringComparer.Ordinal).Count() != record.Devices.Count)
        {
            throw new RepositoryException("repository-damaged", "The snapshot's record of its GPUs is not one.", "Restore another snapshot.");
        }
    }

    private static void Wishes(GpuRecord record, GpuNode node, IReadOnlyDictionary<string, string> wishes, FindingList findings)
    {
        foreach (var (old, wish) in wishes)
        {
            if (record.Devices.All(d => d.Uuid != old))
            {
                findings.Blocker("gpu-map", old, "the snapshot has no such GPU", Describe(record.Devices), "name one of the snapshot's GPUs");
            }

            if (node.Devices.All(d => d.Uuid != wish))
            {
                findings.Blocker("gpu-map", wish, "this node has no such GPU", Describe(node.Devices), "name one of `checkpointer node show`");
            }
        }
    }

    private static void Compare(GpuDevice old, GpuDevice place, GpuNode node, FindingList findings)
    {
        var subject = $"{place.Name} {place.Uuid}";
        if (place.Name != old.Name)
        {
            findings.Blocker("gpu-model", subject, place.Name, old.Name, "restore on that model: no driver moves to another one");
        }
        else if (place.Capability != old.Capability)
        {
            findings.Blocker("gpu-capability", subject, place.Capability, old.Capability, "restore on a GPU with that compute capability");
        }

        if (place.Mig != old.Mig || node.InfoOf(place.Uuid)?.Mig == true)
        {
            findings.Blocker("gpu-mig", subject, "a partitioned GPU (MIG)", "a whole GPU", "restore on a node without partitions");
        }

        if (place.Memory < old.Memory)
        {
            findings.Blocker("gpu-memory", subject, ByteSize.Format(place.Memory), $"{ByteSize.Format(old.Memory)}", "restore on a GPU with as much memory");
        }
        else if (GpuPlacement.FreeOf(place, node) < old.Used)
        {
            findings.Overridable("gpu-memory-busy", subject, $"{ByteSize.Format(GpuPlacement.FreeOf(place, node))} free", ByteSize.Format(old.Used), "free the GPU, or choose another one with --gpu");
        }

        if (node.InfoOf(place.Uuid) is { IsHealthy: false })
        {
            findings.Overridable("gpu-unhealthy", subject, "the driver asks for it to be reset, or has rows to remap", "a healthy GPU", "choose another one with --gpu");
        }
    }

    private static void Missing(GpuDevice old, GpuRecord record, GpuNode node, GpuReach reach, FindingList findings)
    {
        var same = node.Devices.Where(d => d.Name == old.Name).ToList();
        if (node.Devices.Count == 0)
        {
            findings.Blocker("gpu-none", "GPUs", "none", Describe(record.Devices), "restore on a node with these GPUs");
        }
        else if (node.Devices.All(static d => d.Mig))
        {
            findings.Blocker("gpu-mig", "GPUs", "only partitioned GPUs (MIG)", $"a whole {old.Name}", "restore on a node without partitions");
        }
        else if (same.Count == 0)
        {
            findings.Blocker("gpu-model", "GPUs", Describe(node.Devices), old.Name, "restore on that model: no driver moves to another one");
        }
        else if (same.All(d => d.Capability != old.Capability))
        {
            findings.Blocker("gpu-capability", "GPUs", string.Join(", ", same.Select(static d => d.Capability).Distinct()), old.Capability, "restore on a GPU with that compute capability");
        }
        else if (same.All(d => d.Memory < old.Memory))
        {
            findings.Blocker("gpu-memory", "GPUs", ByteSize.Format(same.Max(static d => d.Memory)), ByteSize.Format(old.Memory), "restore on GPUs with as much memory");
        }
        else if (same.Any(d => !reach.Allows(old.Uuid, d, node)))
        {
            findings.Blocker("gpu-not-in-container", "GPUs", string.Create(CultureInfo.InvariantCulture, $"{same.Count(d => reach.Allows(old.Uuid, d, node))} x {old.Name} in the new container"),
                Describe(record.Devices), "give the new container as many GPUs as the old one had");
        }
        else
        {
            findings.Blocker("gpu-count", "GPUs", string.Create(CultureInfo.InvariantCulture, $"{same.Count} x {old.Name}, healthy ones counted once"), Describe(record.Devices),
                "restore on a node with as many: the processes saw them all, and each must become another one");
        }
    }

    private static void Driver(GpuRecord record, GpuNode node, string? map, FindingList findings)
    {
        var needed = map is null ? GpuNode.CheckpointFrom : GpuNode.MapFrom;
        if (node.Cuda < needed)
        {
            findings.Blocker("gpu-driver-too-old", "driver", $"CUDA {GpuAnswer.Version(node.Cuda)}", $"CUDA {GpuAnswer.Version(needed)}{(map is null ? "" : ", for other GPUs than the snapshot's")}", "install a newer driver");
        }

        if (record.Driver is { } driver && node.Inventory.Driver != driver)
        {
            findings.Overridable("gpu-driver", "driver", node.Inventory.Driver ?? "unknown", driver, "restore under the same driver: its libraries are mapped by the processes, and bear its version in their names");
        }
    }

    private static string Describe(IEnumerable<GpuDevice> devices)
    {
        var groups = devices.GroupBy(static d => d.Name).Select(static g => string.Create(CultureInfo.InvariantCulture, $"{g.Count()} x {g.Key}")).ToList();
        return groups.Count == 0 ? "none" : string.Join(", ", groups);
    }
}
