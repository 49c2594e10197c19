namespace Checkpointer.Engine.Streaming;

/// <summary>What a capture has taken so far: a moment's copy.</summary>
public sealed record CaptureStatistics
{
    /// <summary>Bytes read from CRIU, all files together.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes in the files that hold memory pages.</summary>
    public required long PageBytes { get; init; }

    /// <summary>Files that CRIU opened, and those of them that it closed.</summary>
    public required int FilesOpened { get; init; }

    public required int FilesClosed { get; init; }

    /// <summary>How long the stream waited for a free block in all: time in which the store was the slower side.</summary>
    public required TimeSpan WaitedForMemory { get; init; }

    /// <summary>True while the stream waits for a free block right now.</summary>
    public required bool WaitingForMemory { get; init; }

    /// <summary>From CRIU's first request to the first byte of memory, and to the completeness of the image; null until then.</summary>
    public TimeSpan? FirstPage { get; init; }

    public TimeSpan? Completed { get; init; }

    /// <summary>Every file in the order in which CRIU opened it.</summary>
    public required IReadOnlyList<CapturedFileStatistics> Files { get; init; }
}

/// <summary>One file of a capture. Times are from CRIU's first request.</summary>
public sealed record CapturedFileStatistics(string Name, long Bytes, TimeSpan Opened, TimeSpan? Closed);
