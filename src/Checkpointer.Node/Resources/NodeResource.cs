namespace Checkpointer.Node;

/// <summary>The service and its node.</summary>
public sealed record NodeResource
{
    public required string Version { get; init; }

    public required string HostName { get; init; }

    public required string KernelRelease { get; init; }

    public required string BootId { get; init; }

    /// <summary>The service's pid in its own pid namespace.</summary>
    public required int Pid { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>Whether requests are accepted: recovery is over and the service is not stopping.</summary>
    public required bool Ready { get; init; }

    /// <summary>One of "recovering", "ready", "stopping".</summary>
    public required string State { get; init; }

    public required string Socket { get; init; }

    public required string StateDirectory { get; init; }

    public required string RunDirectory { get; init; }

    /// <summary>The configured repositories; empty: requests name their own.</summary>
    public required IReadOnlyList<RepositoryResource> Repositories { get; init; }

    public required BudgetResource Budget { get; init; }

    /// <summary>What the service found and mended at its start, null while it still does.</summary>
    public RecoveryReport? Recovery { get; init; }
}

/// <summary>A repository that requests may name.</summary>
public sealed record RepositoryResource(string Name, string Url);

/// <summary>What operations may use together, and what they use now.</summary>
public sealed record BudgetResource
{
    public required long TotalBytes { get; init; }

    public required long BytesInUse { get; init; }

    public required int MaxConcurrent { get; init; }

    public required int Running { get; init; }

    public required int Queued { get; init; }
}
