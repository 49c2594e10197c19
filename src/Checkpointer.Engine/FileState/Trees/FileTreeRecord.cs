using System.Text.Json.Serialization;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>A directory tree that travels with a snapshot, because CRIU does not save it. Persisted.</summary>
public sealed record FileTreeRecord
{
    /// <summary>Where the tree was mounted, as the workload sees it; absolute.</summary>
    public required string MountPoint { get; init; }

    public required FileTreeKind Kind { get; init; }

    /// <summary>The file of the snapshot that describes the tree (docs/format.md, file trees).</summary>
    public required string Index { get; init; }

    /// <summary>The file of the snapshot that holds the contents of its regular files.</summary>
    public required string Content { get; init; }

    /// <summary>Entries of the index, without the tree's root.</summary>
    public required long Entries { get; init; }

    /// <summary>Bytes of contents, without holes and padding.</summary>
    public required long Bytes { get; init; }
}

/// <summary>What a captured tree is, and so how it is applied. The names are persisted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FileTreeKind>))]
public enum FileTreeKind
{
    /// <summary>
    /// The upper directory of an overlay: what a container changed in its image. Applied through the merged view of the same layers:
    /// what the tree does not name stays as the image has it.
    /// </summary>
    [JsonStringEnumMemberName("overlay-upper")]
    OverlayUpper,

    /// <summary>A whole directory, such as a tmpfs or an emptyDir. Applied exactly: what the tree does not name is removed.</summary>
    [JsonStringEnumMemberName("directory")]
    Directory,
}
