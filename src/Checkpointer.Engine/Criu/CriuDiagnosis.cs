namespace Checkpointer.Engine.Criu;

/// <summary>What a failed run of CRIU means for a person.</summary>
/// <param name="Code">Stable kebab-case code, <c>criu-unknown</c> where the log says nothing that we know.</param>
/// <param name="Cause">One sentence: what went wrong.</param>
/// <param name="Remedy">One sentence: how to mend it.</param>
/// <param name="Line">CRIU's first meaningful error line, or null when there is none.</param>
public sealed record CriuDiagnosis(string Code, string Cause, string Remedy, string? Line);
