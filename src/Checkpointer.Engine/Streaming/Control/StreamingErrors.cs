namespace Checkpointer.Engine.Streaming;

/// <summary>The errors of the stream between CRIU and us, each with a stable code.</summary>
internal static class StreamingErrors
{
    /// <summary>The peer says what CRIU never says.</summary>
    public static OperationFailedException Protocol(string what) =>
        new("stream-protocol", $"The image stream carries {what}.", "Use an unmodified CRIU 4.2 or newer.");

    /// <summary>CRIU closed the stream before the image was complete; its log says why.</summary>
    public static OperationFailedException Incomplete(string what) =>
        new("image-incomplete", $"CRIU ended the image stream before the image was complete: {what}.", "See CRIU's log for the reason.");

    /// <summary>One file could not be moved.</summary>
    public static OperationFailedException File(string name, string direction, Exception inner) =>
        new("stream-failed", $"{direction} {name} failed: {inner.Message}", null, inner);

    /// <summary>CRIU never came.</summary>
    public static OperationFailedException NobodyConnected(TimeSpan waited) =>
        new("stream-no-peer", $"CRIU did not connect to the image stream within {Durations.Format(waited)}.", "See CRIU's log and error output.");

    /// <summary>The stream was closed by our own decision, without a better reason.</summary>
    public static OperationCancelledException Cancelled() => new("cancelled", "The image stream was cancelled.");
}
