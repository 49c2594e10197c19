namespace Checkpointer.Repository;

/// <summary>A stored run and where its bytes go.</summary>
/// <param name="Run">Not of zeroes.</param>
/// <param name="Destination">At least <see cref="ChunkRun.RawLength"/> bytes; nobody else's until the group's task has ended.</param>
/// <param name="Group">Which of the answered tasks ends when these bytes are there.</param>
public readonly record struct RunTarget(ChunkRun Run, Memory<byte> Destination, int Group = 0);

/// <summary>One chunk and where its bytes go.</summary>
internal readonly record struct ChunkTarget(ChunkEntry Chunk, Memory<byte> Destination);
