using System.Buffers;

namespace Checkpointer.Repository;

/// <summary>
/// The rules for object names, and the names of the format. A name is one or more segments joined by '/'; a segment is 1 to
/// <see cref="MaxSegment"/> characters of a-z, 0-9, '.', '-', '_' and does not start with a dot (those are a backend's private files).
/// </summary>
public static class ObjectNames
{
    /// <summary>Characters of a segment: safe on every file system together with a temporary suffix.</summary>
    public const int MaxSegment = 100;

    /// <summary>Characters of a whole name: far below any store's limit, so that prefixes still fit.</summary>
    public const int MaxLength = 400;

    /// <summary>The object that makes a place a repository.</summary>
    public const string Repository = "repository.json";

    public const string KeysPrefix = "keys/";
    public const string PacksPrefix = "packs/";
    public const string MapsPrefix = "maps/";
    public const string SnapshotsPrefix = "snapshots/";
    public const string MovesPrefix = "moves/";
    public const string LocksPrefix = "locks/";

    /// <summary>The lease that only one prune holds.</summary>
    public const string MaintenanceLease = LocksPrefix + "maintenance";

    /// <summary>The lease of whoever deletes manifests, and of prune while it collects them.</summary>
    public const string RootsLease = LocksPrefix + "roots";

    /// <summary>The intents of running writers.</summary>
    public const string IntentsPrefix = LocksPrefix + "writers/";

    /// <summary>Empty objects that only tell the store's time; each lives for a moment.</summary>
    public const string ClocksPrefix = LocksPrefix + "clocks/";

    /// <summary>What follows a manifest's name in the name of its superseded marker.</summary>
    public const string SupersededSuffix = ".superseded";

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_");

    /// <summary>True where <paramref name="name"/> obeys the rules.</summary>
    public static bool IsValid(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > MaxLength)
        {
            return false;
        }

        foreach (Range range in name.AsSpan().Split('/'))
        {
            ReadOnlySpan<char> segment = name.AsSpan()[range];
            if (segment.Length is 0 or > MaxSegment || segment[0] == '.' || segment.ContainsAnyExcept(Allowed))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Throws <see cref="ArgumentException"/> for a name outside the rules.</summary>
    public static void Validate(string name)
    {
        if (!IsValid(name))
        {
            throw new ArgumentException($"'{name}' is not a valid object name", nameof(name));
        }
    }

    internal static string Key(string keyId) => KeysPrefix + keyId;

    internal static string Pack(ObjectId id) => $"{PacksPrefix}{id.ToString().AsSpan(0, 2)}/{id}";

    internal static string Map(ObjectId id) => MapsPrefix + id;

    internal static string Move(ObjectId pack) => MovesPrefix + pack;

    internal static string Intent(ObjectId id) => IntentsPrefix + id;

    internal static string Clock(ObjectId id) => ClocksPrefix + id;

    internal static string Manifest(SnapshotId id) => $"{SnapshotsPrefix}{id.Lineage}/{id.Generation:x16}";

    internal static string Superseded(SnapshotId id) => Manifest(id) + SupersededSuffix;
}
