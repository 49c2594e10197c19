namespace Checkpointer.Repository.Tests.Maintenance;

/// <summary>One way in which a repository can be damaged, and what is expected of check and prune.</summary>
/// <param name="Name">What the damage is called.</param>
/// <param name="Damage">Does it; answers the object that is to be named.</param>
/// <param name="Depth">The least depth at which check finds it.</param>
/// <param name="Code">The code of the finding.</param>
/// <param name="Harms">The generations that cannot be restored whole; empty for what is a note.</param>
/// <param name="Prune">What prune does: refuses (an error code), deletes the object, or leaves it.</param>
internal sealed record DamagedRepository(
    string Name, Func<MaintenanceLab, DamagedParts, string> Damage, CheckDepth Depth, string? Code, long[] Harms, string Prune)
{
    public const string Deletes = "deletes";
    public const string Leaves = "leaves";

    public override string ToString() => Name;
}

/// <summary>The objects of the repository that is damaged: two snapshots, the second reusing half of the first, and a third with nothing in common, which was superseded.</summary>
internal sealed record DamagedParts(SnapshotId[] Ids, string[] Manifests, string[] Maps, string[] Packs);

/// <summary>Every named damage.</summary>
internal static class DamagedRepositories
{
    private const string Refused = RepositoryCodes.PruneRefused;

    public static IReadOnlyList<DamagedRepository> All { get; } =
    [
        new("sound", (_, _) => "", CheckDepth.Data, null, [], DamagedRepository.Leaves),
        new("missing-pack-of-two-snapshots", (lab, p) => Remove(lab, p.Packs[0]), CheckDepth.Structure, "pack-missing", [1, 2], DamagedRepository.Leaves),
        new("missing-pack-of-one-snapshot", (lab, p) => Remove(lab, p.Packs[2]), CheckDepth.Structure, "pack-missing", [3], DamagedRepository.Leaves),
        new("truncated-pack", (lab, p) => Cut(lab, p.Packs[0]), CheckDepth.Structure, "pack-damaged", [1, 2], DamagedRepository.Leaves),
        new("swapped-packs", (lab, p) => Swap(lab, p.Packs[0], p.Packs[2]), CheckDepth.Structure, "pack-damaged", [1, 2], DamagedRepository.Leaves),
        new("flipped-byte-in-pack-header", (lab, p) => Flip(lab, p.Packs[0], 3), CheckDepth.References, "pack-damaged", [1, 2], DamagedRepository.Leaves),
        new("flipped-byte-in-pack-end-frame", (lab, p) => Flip(lab, p.Packs[0], -30), CheckDepth.References, "pack-damaged", [1, 2], DamagedRepository.Leaves),
        new("flipped-byte-in-frame-header", (lab, p) => Flip(lab, p.Packs[2], FormatConstants.ObjectHeaderSize + 5), CheckDepth.Data, "pack-damaged", [3], DamagedRepository.Leaves),
        new("flipped-byte-in-frame", (lab, p) => Flip(lab, p.Packs[2], FormatConstants.ObjectHeaderSize + 100), CheckDepth.Data, "pack-damaged", [3], DamagedRepository.Leaves),
        new("flipped-byte-in-tag", (lab, p) => Flip(lab, p.Packs[2], -FormatConstants.EndFrameSize - 3), CheckDepth.Data, "pack-damaged", [3], DamagedRepository.Leaves),
        new("missing-map", (lab, p) => Remove(lab, p.Maps[1]), CheckDepth.Structure, "map-missing", [2], Refused),
        new("truncated-map", (lab, p) => Cut(lab, p.Maps[1]), CheckDepth.Structure, "map-damaged", [2], Refused),
        new("swapped-maps", (lab, p) => Swap(lab, p.Maps[0], p.Maps[2]), CheckDepth.Structure, "map-damaged", [1], Refused),
        new("flipped-byte-in-map-segment", (lab, p) => Flip(lab, p.Maps[1], FormatConstants.ObjectHeaderSize + 20), CheckDepth.References, "map-damaged", [2], DamagedRepository.Leaves),
        new("flipped-byte-in-map-index", (lab, p) => Flip(lab, p.Maps[1], -FormatConstants.EndFrameSize - 30), CheckDepth.Structure, "map-damaged", [2], Refused),
        new("missing-manifest", (lab, p) => Remove(lab, p.Manifests[2], p.Maps[2]), CheckDepth.Structure, "unreferenced-object", [], DamagedRepository.Deletes),
        new("flipped-byte-in-manifest", (lab, p) => Flip(lab, p.Manifests[1], 70), CheckDepth.Structure, "manifest-damaged", [2], Refused),
        new("manifest-under-another-name", (lab, p) => Copy(lab, p.Manifests[1], ObjectNames.Manifest(p.Ids[0] with { Generation = 9 })), CheckDepth.Structure, "manifest-damaged", [9], Refused),
        new("manifest-of-a-newer-version", (lab, p) => Newer(lab, p.Manifests[1]), CheckDepth.Structure, RepositoryCodes.TooNew, [2], Refused),
        new("map-of-a-newer-version", (lab, p) => Newer(lab, p.Maps[1]), CheckDepth.Structure, RepositoryCodes.TooNew, [2], Refused),
        new("pack-of-a-newer-version", (lab, p) => Newer(lab, p.Packs[2]), CheckDepth.References, RepositoryCodes.TooNew, [3], DamagedRepository.Leaves),
        new("map-of-an-unknown-kind", (lab, p) => Set(lab, p.Maps[1], 10, 99), CheckDepth.Structure, "map-damaged", [2], Refused),
        new("orphan-pack", (lab, p) => Copy(lab, p.Packs[0], ObjectNames.Pack(ObjectId.New())), CheckDepth.Structure, "unreferenced-object", [], DamagedRepository.Deletes),
        new("orphan-map", (lab, p) => Copy(lab, p.Maps[0], ObjectNames.Map(ObjectId.New())), CheckDepth.Structure, "unreferenced-object", [], DamagedRepository.Deletes),
        new("orphan-move", (lab, p) => Copy(lab, p.Maps[0], ObjectNames.Move(ObjectId.New())), CheckDepth.Structure, "unreferenced-object", [], DamagedRepository.Deletes),
        new("marker-without-manifest", (lab, p) => Copy(lab, ObjectNames.Superseded(p.Ids[2]), ObjectNames.Superseded(p.Ids[0] with { Generation = 9 })), CheckDepth.Structure, "orphan-marker", [], DamagedRepository.Deletes),
        new("flipped-byte-in-marker", (lab, p) => Flip(lab, ObjectNames.Superseded(p.Ids[2]), 70), CheckDepth.Structure, "marker-damaged", [3], DamagedRepository.Leaves),
        new("key-garbage", (lab, _) => Put(lab, ObjectNames.Key(ObjectId.New().ToString()!)), CheckDepth.Structure, "key-damaged", [], DamagedRepository.Leaves),
        new("intent-garbage", (lab, _) => Put(lab, ObjectNames.Intent(ObjectId.New())), CheckDepth.Structure, "intent-damaged", [], Refused),
        new("move-garbage", (lab, p) => Put(lab, ObjectNames.Move(ObjectId.Read(Convert.FromHexString(p.Packs[0][^32..])))), CheckDepth.Structure, "move-damaged", [1, 2], Refused),
        new("foreign-file-among-packs", (lab, _) => Put(lab, "packs/readme.txt"), CheckDepth.Structure, "foreign-object", [], DamagedRepository.Leaves),
        new("foreign-file-among-snapshots", (lab, _) => Put(lab, "snapshots/notes"), CheckDepth.Structure, "foreign-object", [], DamagedRepository.Leaves),
        new("pack-in-the-wrong-folder", (lab, p) => Copy(lab, p.Packs[0], "packs/zz" + p.Packs[0][8..]), CheckDepth.Structure, "foreign-object", [], DamagedRepository.Leaves),
        new("foreign-file-among-intents", (lab, _) => Put(lab, "locks/writers/somebody"), CheckDepth.Data, null, [], DamagedRepository.Leaves),
    ];

    private static string Remove(MaintenanceLab lab, string name, string? named = null)
    {
        lab.Memory.Remove(name);
        return named ?? name;
    }

    private static string Cut(MaintenanceLab lab, string name)
    {
        lab.Memory[name] = lab.Memory[name][..^10];
        return name;
    }

    private static string Swap(MaintenanceLab lab, string a, string b)
    {
        (lab.Memory[a], lab.Memory[b]) = (lab.Memory[b], lab.Memory[a]);
        return a;
    }

    private static string Flip(MaintenanceLab lab, string name, int at)
    {
        lab.Memory[name][at < 0 ? lab.Memory[name].Length + at : at] ^= 0x20;
        return name;
    }

    private static string Newer(MaintenanceLab lab, string name) => Set(lab, name, 8, 2);

    private static string Set(MaintenanceLab lab, string name, int at, byte value)
    {
        lab.Memory[name][at] = value;
        return name;
    }

    private static string Copy(MaintenanceLab lab, string from, string to)
    {
        lab.Memory[to] = [.. lab.Memory[from]];
        return to;
    }

    private static string Put(MaintenanceLab lab, string name)
    {
        lab.Memory[name] = [1, 2, 3];
        return name;
    }
}
