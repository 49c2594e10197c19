namespace Checkpointer.Engine.Containers;

/// <summary>One line of a list of containers.</summary>
public sealed record ContainerSummary
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Null where the runtime names no pod.</summary>
    public string? PodName { get; init; }

    public string? PodNamespace { get; init; }

    public string? SandboxId { get; init; }

    public required string Image { get; init; }

    /// <summary><c>created</c>, <c>running</c>, <c>exited</c> or <c>unknown</c>.</summary>
    public required string State { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>For people: <c>NAMESPACE/POD/NAME</c>, or the name alone.</summary>
    public string Label => PodName is null ? Name : $"{PodNamespace}/{PodName}/{Name}";
}
