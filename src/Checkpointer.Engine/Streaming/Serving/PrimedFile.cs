namespace Checkpointer.Engine.Streaming;

/// <summary>The beginning of a file, read before anybody asked for it, into the file's own slot.</summary>
/// <param name="File">The cursor, behind what was read.</param>
/// <param name="Fill">What was read.</param>
/// <param name="Bytes">How much of the file that is.</param>
/// <param name="Decoded">Ends when the bytes are there.</param>
internal sealed record PrimedFile(IImageFile File, Fill Fill, long Bytes, Task Decoded);
