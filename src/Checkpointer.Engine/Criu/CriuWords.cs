namespace Checkpointer.Engine.Criu;

/// <summary>CRIU's own line behind our explanation of it, for those who know CRIU and for those who search for it.</summary>
internal static class CriuWords
{
    public static string Of(CriuDiagnosis diagnosis) => diagnosis.Line is { } line ? $" (CRIU: {line.Trim()})" : "";
}
