using System.Text.Json;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>One snapshot in <c>list --json</c>, and the head of <c>show --json</c>.</summary>
internal record SnapshotOutput
{
    public required string Snapshot { get; init; }

    public required string Lineage { get; init; }

    public required long Generation { get; init; }

    public string? Name { get; init; }

    /// <summary>Null, as node and intent, where the manifest is damaged.</summary>
    public DateTimeOffset? Created { get; init; }

    public string? Node { get; init; }

    public required long BytesCaptured { get; init; }

    public required long BytesStored { get; init; }

    /// <summary><c>final</c> or <c>running</c>.</summary>
    public string? Intent { get; init; }

    public required bool Superseded { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>What is wrong with the manifest; null where nothing is.</summary>
    public string? Damage { get; init; }

    public static SnapshotOutput Of(SnapshotInfo info) => new()
    {
        Snapshot = info.Id.ToString(),
        Lineage = info.Id.Lineage.ToString(),
        Generation = info.Id.Generation,
        Name = info.Content.Name,
        Created = info.Damage is null ? info.Content.Created : null,
        Node = info.Damage is null ? info.Content.Node : null,
        BytesCaptured = info.BytesCaptured,
        BytesStored = info.BytesStored,
        Intent = info.Damage is null ? info.Content.Intent : null,
        Superseded = info.Superseded,
        Labels = info.Content.Labels,
        Damage = info.Damage,
    };
}

/// <summary>The shape of <c>list --json</c>.</summary>
internal sealed record ListOutput
{
    public required IReadOnlyList<SnapshotOutput> Snapshots { get; init; }
}

/// <summary>The shape of <c>show --json</c>.</summary>
internal sealed record ShowOutput : SnapshotOutput
{
    public string? Parent { get; init; }

    public string? ParentDigest { get; init; }

    public required string Digest { get; init; }

    public required IReadOnlyList<FileOutput> Files { get; init; }

    /// <summary>What the checkpoint recorded about the workload: requirement, CRIU options, file state.</summary>
    public JsonElement? Workload { get; init; }

    public static ShowOutput Of(SnapshotInfo info, IEnumerable<SnapshotFile> files) => new()
    {
        Snapshot = info.Id.ToString(),
        Lineage = info.Id.Lineage.ToString(),
        Generation = info.Id.Generation,
        Name = info.Content.Name,
        Created = info.Content.Created,
        Node = info.Content.Node,
        BytesCaptured = info.BytesCaptured,
        BytesStored = info.BytesStored,
        Intent = info.Content.Intent,
        Superseded = info.Superseded,
        Labels = info.Content.Labels,
        Damage = info.Damage,
        Parent = info.Parent?.ToString(),
        ParentDigest = info.ParentDigest,
        Digest = info.Digest,
        Files = [.. files.Select(file => new FileOutput(file.Name, file.Kind == FileKind.Pages ? "pages" : "bytes", file.Length))],
        Workload = WorkloadText.WithoutSecrets(info.Content.Workload),
    };
}

/// <summary>One file of a snapshot; the length in bytes.</summary>
internal sealed record FileOutput(string Name, string Kind, long Length);
