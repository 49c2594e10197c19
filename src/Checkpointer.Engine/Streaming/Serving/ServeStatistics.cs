namespace Checkpointer.Engine.Streaming;

/// <summary>What a restore has been given so far: a moment's copy.</summary>
public sealed record ServeStatistics
{
    /// <summary>Bytes written to CRIU, all files together, zeroes included.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes of the files that hold memory pages.</summary>
    public required long PageBytes { get; init; }

    /// <summary>How often CRIU asked for a file that is not in the image; some ten are normal.</summary>
    public required int Absent { get; init; }

    /// <summary>Every file that CRIU asked for, in that order.</summary>
    public required IReadOnlyList<ServedFileStatistics> Files { get; init; }
}

/// <summary>One file as it was served.</summary>
public sealed record ServedFileStatistics(string Name, long Length, long Written, ServedFileState State);

/// <summary>How far the serving of a file came.</summary>
public enum ServedFileState
{
    /// <summary>Being written.</summary>
    Open,

    /// <summary>Written to its last byte.</summary>
    Whole,

    /// <summary>CRIU closed it before it was written to its end.</summary>
    ClosedEarly,
}
