namespace Checkpointer.Engine.Criu;

/// <summary>Reads CRIU's log for people: the first meaningful error, its cause and its remedy.</summary>
public static partial class CriuLog
{
    public static CriuDiagnosis Diagnose(string logText, string standardError, int exitCode)
    {
        throw new NotSupportedException();
    }

    /// <summary>As above with the log read from a file (bounded; a missing one counts as empty).</summary>
    public static CriuDiagnosis DiagnoseFile(CriuResult result)
    {
        throw new NotSupportedException();
    }
}
