namespace Checkpointer.Platform;

/// <summary>How a file is opened. Close-on-exec is always set besides.</summary>
[Flags]
public enum OpenFlags
{
    /// <summary>For reading only.</summary>
    ReadOnly = 0,

    /// <summary>For writing only.</summary>
    WriteOnly = 1,

    /// <summary>For reading and writing.</summary>
    ReadWrite = 2,

    /// <summary>Create the file when it is absent.</summary>
    Create = 4,

    /// <summary>With Create: fail when it exists.</summary>
    Exclusive = 8,

    /// <summary>Cut an existing file to nothing.</summary>
    Truncate = 16,

    /// <summary>Every write goes to the end.</summary>
    Append = 32,

    /// <summary>Fail when the last component is a symbolic link.</summary>
    NoFollow = 64,

    /// <summary>Fail unless it is a directory.</summary>
    Directory = 128,

    /// <summary>A mere reference to the place, neither readable nor writable.</summary>
    Path = 256,

    /// <summary>Non-blocking; above all, a fifo is opened without waiting for its other end.</summary>
    NonBlocking = 512,
}
