namespace Checkpointer.Engine.Criu;

/// <summary>How a run of CRIU ended. A non-zero exit is a result, not an exception: the caller diagnoses it with <see cref="CriuLog"/>.</summary>
/// <param name="ExitCode">CRIU's exit code; 128 + n when signal n ended it.</param>
/// <param name="Stderr">The first part of what CRIU wrote to stdout and stderr (bounded).</param>
/// <param name="LogPath">Where CRIU wrote its log.</param>
/// <param name="Duration">From start to exit.</param>
public sealed record CriuResult(int ExitCode, string Stderr, string LogPath, TimeSpan Duration);
