using System.Text.Json.Serialization;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// A mount of a container that CRIU leaves alone: at restore the placeholder's mount at the same destination takes its place. Persisted.
/// </summary>
public sealed record ContainerMount
{
    /// <summary>CRIU's name for it, <c>m1</c>, <c>m2</c>, ...</summary>
    public required string Key { get; init; }

    /// <summary>Absolute path in the container.</summary>
    public required string Destination { get; init; }

    public required string FileSystem { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>Its content travels with the snapshot.</summary>
    public bool Captured { get; init; }

    /// <summary>What is mounted is no directory; false in older snapshots.</summary>
    public bool IsFile { get; init; }

    /// <summary>It is the runtime's own furniture (cgroups, masked paths, /dev): a placeholder without it can do without.</summary>
    public bool Runtime { get; init; }

    /// <summary>False when the key is nothing that an inspection writes: it then must not reach a command line.</summary>
    [JsonIgnore]
    public bool HasPlausibleKey => Key is { Length: > 1 and <= 6 } && Key[0] == 'm' && Key.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0;
}
