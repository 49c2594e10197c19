using Checkpointer.Engine.Containers;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>containers --json</c>.</summary>
internal sealed record ContainersOutput
{
    public required IReadOnlyList<ContainerOutput> Containers { get; init; }
}

/// <summary>One container. What is known of running ones only is null for the others.</summary>
internal sealed record ContainerOutput
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public string? Pod { get; init; }

    public string? Namespace { get; init; }

    public required string Image { get; init; }

    public string? ImageDigest { get; init; }

    /// <summary><c>created</c>, <c>running</c>, <c>exited</c> or <c>unknown</c>.</summary>
    public required string State { get; init; }

    public required DateTimeOffset Created { get; init; }

    public string? Runtime { get; init; }

    public int? Pid { get; init; }

    public int? Processes { get; init; }

    public long? MemoryBytes { get; init; }

    public bool? Gpu { get; init; }

    /// <summary>Null where nobody looked: it does not run, or it was not asked for.</summary>
    public bool? Checkpointable { get; init; }

    /// <summary>What refuses first.</summary>
    public Finding? Finding { get; init; }

    /// <summary>Why a running container could not be looked at.</summary>
    public string? Problem { get; init; }

    public static ContainerOutput Of(ContainerSummary summary) => new()
    {
        Id = summary.Id,
        Name = summary.Name,
        Pod = summary.PodName,
        Namespace = summary.PodNamespace,
        Image = summary.Image,
        State = summary.State,
        Created = summary.Created,
    };

    public ContainerOutput With(ContainerRecord record, ContainerUsage? usage) => this with
    {
        ImageDigest = record.ImageDigest,
        Runtime = $"{record.Runtime} {record.RuntimeVersion}".TrimEnd(),
        Pid = record.Pid,
        Processes = usage?.Processes,
        MemoryBytes = usage?.MemoryBytes,
        Gpu = usage?.Gpu,
    };

    public ContainerOutput With(Verdict verdict) => this with
    {
        Checkpointable = !verdict.Refuses(force: false),
        Finding = verdict.Findings.Where(static f => f.Severity != FindingSeverity.Note).MaxBy(static f => f.Severity),
    };
}
