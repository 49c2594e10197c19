namespace Checkpointer.Engine.FileState;

/// <summary>A regular file whose content travels with the snapshot, because CRIU does not save it. Persisted.</summary>
public sealed record StateFile
{
    /// <summary>How the names of captured files begin in a snapshot. CRIU's own names end in <c>.img</c>; these do not.</summary>
    public const string ContentPrefix = "state-";

    /// <summary>Whether a file of a snapshot is one that the engine captured beside CRIU's images.</summary>
    internal static bool IsOurs(string name) =>
        name.StartsWith(ContentPrefix, StringComparison.Ordinal) || name.StartsWith(Trees.FileTreeFormat.NamePrefix, StringComparison.Ordinal);

    /// <summary>Absolute and canonical: no symbolic link in it when it was captured.</summary>
    public required string Path { get; init; }

    /// <summary>The file of the snapshot that holds the content.</summary>
    public required string Content { get; init; }

    public required long Size { get; init; }

    /// <summary>Permission bits, at most 0777: set-id bits never travel.</summary>
    public required int Mode { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>Modification time, nanoseconds since 1970.</summary>
    public required long ModifiedNanoseconds { get; init; }

    /// <summary>True for a file on tmpfs; at restore its directory must be a tmpfs again.</summary>
    public required bool OnTmpfs { get; init; }
}

/// <summary>A directory above a captured file: made again at restore where it is missing. Persisted.</summary>
/// <param name="Path">Absolute and canonical.</param>
/// <param name="Mode">Permission bits with the sticky bit, at most 01777.</param>
/// <param name="Uid">Its owner.</param>
/// <param name="Gid">Its group.</param>
public sealed record StateDirectory(string Path, int Mode, uint Uid, uint Gid);
