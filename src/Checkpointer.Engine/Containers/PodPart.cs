namespace Checkpointer.Engine.Containers;

/// <summary>The pod's part of a workload record: its containers, dumped at one moment. Persisted; members are only ever added.</summary>
public sealed record PodPart
{
    /// <summary>Against nonsense in a manifest: kubelet itself runs 110 pods a node.</summary>
    internal const int MostMembers = 64;

    public required string Name { get; init; }

    public string? Namespace { get; init; }

    /// <summary>In the order of their names; at least one.</summary>
    public required List<PodMember> Members { get; init; }

    /// <summary>Places that several of them had in common: the new pod must have them in common, too.</summary>
    public List<SharedMount> Shared { get; set; } = [];

    /// <summary>For people.</summary>
    internal string Label => Namespace is null ? Name : $"{Namespace}/{Name}";
}

/// <summary>A container of a pod. Persisted.</summary>
public sealed record PodMember
{
    /// <summary>How the names of its images begin in the snapshot: <c>c1-</c>, <c>c2-</c>, ...</summary>
    public required string Prefix { get; init; }

    /// <summary>As in the snapshot of that container alone, but that a shared place is among the file trees of one member only.</summary>
    public required WorkloadRecord Workload { get; init; }

    /// <summary>The container's name in its pod.</summary>
    internal string Name => Workload.Container!.Record.Name;

    /// <summary>The prefix of the member with this number, from 0 on.</summary>
    internal static string PrefixOf(int index) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"c{index + 1}-");
}

/// <summary>One directory that several containers of a pod had mounted. Persisted.</summary>
public sealed record SharedMount
{
    public required List<SharedPlace> Places { get; init; }
}

/// <summary>Where a container has a shared directory.</summary>
/// <param name="Container">Its name in the pod.</param>
/// <param name="Destination">Absolute path in it.</param>
public sealed record SharedPlace(string Container, string Destination);
