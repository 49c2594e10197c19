namespace Checkpointer.Engine.Gpu;

/// <summary>Which GPU of this node stands for which GPU of the snapshot.</summary>
internal static class GpuPlacement
{
    /// <summary>
    /// Proposes a place for each GPU: the same one where it is here, else a healthy whole one of the same model and capability with enough
    /// memory, the tightest fit first, so that large ones stay for those that need them. Null where none is left.
    /// </summary>
    /// <param name="record">The snapshot's GPUs.</param>
    /// <param name="node">This node's.</param>
    /// <param name="wishes">What a person asked for, old id to new id.</param>
    /// <param name="reach">Which ones the new containers may use.</param>
    public static IReadOnlyDictionary<string, GpuDevice?> Propose(
        GpuRecord record, GpuNode node, IReadOnlyDictionary<string, string> wishes, GpuReach reach)
    {
        Dictionary<string, GpuDevice?> places = new(StringComparer.Ordinal);
        HashSet<string> taken = new(wishes.Values, StringComparer.Ordinal);
        foreach (var old in record.Devices)
        {
            if (wishes.TryGetValue(old.Uuid, out var wish))
            {
                places[old.Uuid] = node.Devices.FirstOrDefault(d => d.Uuid == wish);
            }
            else if (node.Devices.FirstOrDefault(d => d.Uuid == old.Uuid && !taken.Contains(d.Uuid)) is { } same && IsUsable(same, node) && reach.Allows(old.Uuid, same, node))
            {
                places[old.Uuid] = same;
                taken.Add(same.Uuid);
            }
        }

        // Whoever has the least choice comes first.
        foreach (var old in record.Devices.Where(d => !places.ContainsKey(d.Uuid))
            .OrderBy(old => node.Devices.Count(d => reach.Allows(old.Uuid, d, node)))
            .ThenByDescending(static d => d.Used))
        {
            var place = node.Devices
                .Where(d => !taken.Contains(d.Uuid) && IsUsable(d, node) && Fits(old, d) && reach.Allows(old.Uuid, d, node))
                .OrderBy(d => FreeOf(d, node) < old.Used)
                .ThenBy(d => FreeOf(d, node))
                .FirstOrDefault();
            places[old.Uuid] = place;
            if (place is not null)
            {
                taken.Add(place.Uuid);
            }
        }

        return places;
    }

    /// <summary>The map as the driver wants it; null when every GPU is the same one, so that the driver is not made to move anything.</summary>
    public static string? Map(IReadOnlyDictionary<string, string> places) =>
        places.All(static p => p.Value == p.Key) ? null : string.Join(',', places.Select(static p => $"{p.Key}={p.Value}"));

    /// <summary>Same model, same capability, at least as much memory.</summary>
    public static bool Fits(GpuDevice old, GpuDevice candidate) =>
        candidate.Name == old.Name && candidate.Capability == old.Capability && candidate.Memory >= old.Memory && candidate.Mig == old.Mig;

    /// <summary>Bytes free on a device; all of it where NVML does not say.</summary>
    public static long FreeOf(GpuDevice device, GpuNode node) => node.InfoOf(device.Uuid)?.MemoryFree ?? device.Memory;

    private static bool IsUsable(GpuDevice device, GpuNode node) => node.InfoOf(device.Uuid)?.IsHealthy != false && !device.Mig;
}
