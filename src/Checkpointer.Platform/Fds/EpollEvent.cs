namespace Checkpointer.Platform;

/// <summary>What an fd is watched for, and what has come. Error and HangUp come unasked.</summary>
[Flags]
public enum EpollEvents : uint
{
    /// <summary>Nothing but errors and hang-ups.</summary>
    None = 0,

    /// <summary>Readable.</summary>
    In = 0x1,

    /// <summary>Writable.</summary>
    Out = 0x4,

    /// <summary>An error is pending; for a pipe's write end: the reader is gone.</summary>
    Error = 0x8,

    /// <summary>The other end is closed; what it left can still be read.</summary>
    HangUp = 0x10,

    /// <summary>The peer of a stream socket has shut down its writing side.</summary>
    ReadHangUp = 0x2000,

    /// <summary>Disarm after one event, until Modify.</summary>
    OneShot = 1u << 30,

    /// <summary>Report changes, not states.</summary>
    EdgeTriggered = 1u << 31,
}

/// <summary>One ready fd.</summary>
/// <param name="Events">What has come.</param>
/// <param name="Token">The value it was added with.</param>
public readonly record struct EpollEvent(EpollEvents Events, long Token);
