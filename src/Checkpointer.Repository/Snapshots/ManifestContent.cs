using System.Text.Json;

namespace Checkpointer.Repository;

/// <summary>What the caller says about a snapshot. The repository stores it sealed and reads nothing from <see cref="Workload"/>.</summary>
public sealed record ManifestContent
{
    /// <summary>The name that a person gave, if any.</summary>
    public string? Name { get; init; }

    /// <summary>When the workload was captured.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The node where it was captured.</summary>
    public required string Node { get; init; }

    /// <summary><c>final</c>: the workload ended with this snapshot. <c>running</c>: it lived on.</summary>
    public required string Intent { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Opaque to the repository: requirement, CRIU options, file state. Default: JSON null.</summary>
    public JsonElement Workload { get; init; }
}
