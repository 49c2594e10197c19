using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Engine;

/// <summary>The engine's part of a manifest: what a restore must know. Persisted; members are only ever added.</summary>
public sealed record WorkloadRecord
{
    /// <summary>
    /// Since version 2 there are containers, since version 3 pods; a reader that knows only version 1 must not take one for a plain tree.
    /// </summary>
    public const int CurrentVersion = 3;

    /// <summary>What a container is written with.</summary>
    public const int ContainerVersion = 2;

    /// <summary>What a plain tree is written with: whoever knows version 1 can restore it.</summary>
    public const int ProcessTreeVersion = 1;

    public int Version { get; set; } = ProcessTreeVersion;

    /// <summary>What was dumped: <c>process-tree</c>, since version 2 <c>container</c>, and since version 3 <c>pod</c>.</summary>
    public string Kind { get; set; } = "process-tree";

    /// <summary>The operation that made the snapshot: after a crash it tells ours from another writer's of the same generation.</summary>
    public string? Operation { get; set; }

    /// <summary>
    /// The snapshot was imported from a directory of images: its requirement is what the images tell, and a restore can check less.
    /// </summary>
    public bool Imported { get; set; }

    /// <summary>The root's pid as the tree itself sees it.</summary>
    public required int RootPid { get; init; }

    /// <summary>The root's command, for people.</summary>
    public required string Command { get; init; }

    public required int Processes { get; init; }

    public required Requirement Requirement { get; init; }

    public required TreeOptions Options { get; init; }

    public required List<StateFile> StateFiles { get; init; }

    /// <summary>The directories above them, topmost first.</summary>
    public List<StateDirectory> StateDirectories { get; set; } = [];

    /// <summary>The GPUs that the tree used; null when it used none.</summary>
    public GpuRecord? Gpu { get; set; }

    /// <summary>The container around the tree; null for a plain one.</summary>
    public ContainerPart? Container { get; set; }

    /// <summary>
    /// The containers of a pod, each with a record of its own; null for anything else. What this record itself says of requirements is then
    /// the sum of theirs. Since version 3.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PodPart? Pod { get; set; }

    /// <summary>The trees that CRIU dumped, with the beginning of the names of their images: one, but for a pod.</summary>
    internal IReadOnlyList<(string Prefix, WorkloadRecord Record)> Trees =>
        Pod is { } pod ? [.. pod.Members.Select(static m => (m.Prefix, m.Workload))] : [("", this)];

    /// <summary>Reads the record out of a manifest.</summary>
    /// <exception cref="RepositoryException">It is not one, or a newer version wrote it.</exception>
    public static WorkloadRecord Read(JsonElement manifestPart, string snapshot)
    {
        try
        {
            var version = manifestPart.GetProperty("version").GetInt32();
            if (version > CurrentVersion)
            {
                throw new RepositoryException(
                    "snapshot-too-new",
                    $"Snapshot {snapshot} records its workload in version {version}; this checkpointer knows up to {CurrentVersion}.",
                    "Restore it with the version that made it, or a newer one.");
            }

            return manifestPart.Deserialize(WorkloadJson.Default.WorkloadRecord) is { } record && WorkloadShape.IsWhole(record)
                ? record
                : throw new JsonException("a part of the workload record is null");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new RepositoryException(
                "repository-damaged",
                $"The manifest of snapshot {snapshot} holds no readable workload record: {e.Message}",
                "It was written by something else; restore another snapshot.",
                e);
        }
    }

    public JsonElement ToJson() => JsonSerializer.SerializeToElement(this, WorkloadJson.Default.WorkloadRecord);
}

/// <summary>The JSON of <see cref="WorkloadRecord"/>. Unknown members are passed over: a later minor version added them.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(WorkloadRecord))]
internal sealed partial class WorkloadJson : JsonSerializerContext;
