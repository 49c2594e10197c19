namespace Checkpointer.Engine.Criu;

/// <summary>CRIU's own line behind our explanation of it, for those who know CRIU and for those who search for it.</summary>
internal static class CriuWords
{
    private static string Of(CriuDiagnosis diagnosis) => diagnosis.Line is { } line ? $" (CRIU: {line.Trim()})" : "";

    /// <summary>The error of a run that failed, explained by its log.</summary>
    /// <param name="result">The run.</param>
    /// <param name="task">What CRIU could not do.</param>
    public static OperationFailedException Failure(CriuResult result, string task)
    {
        var diagnosis = CriuLog.DiagnoseFile(result);
        return new OperationFailedException(diagnosis.Code, $"CRIU could not {task}: {diagnosis.Cause}{Of(diagnosis)}", diagnosis.Remedy) { LogFile = result.LogPath };
    }
}
