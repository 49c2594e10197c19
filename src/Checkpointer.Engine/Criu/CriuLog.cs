using System.Text;

namespace Checkpointer.Engine.Criu;

/// <summary>Reads CRIU's log for people: the first meaningful error, its cause and its remedy.</summary>
public static class CriuLog
{
    /// <summary>How much of a log is read, in bytes; a longer one is read at both ends.</summary>
    public const int MaximumLogBytes = 8 << 20;

    private const int AbortExitCode = 134; // 128 + SIGABRT: CRIU's BUG()
    private const int HookExitCode = 255;  // criu dump: the post-dump script said no
    private const int LongestLine = 500;   // characters of a line that are shown

    // The order matters where one text is a part of another: the streaming table ends with the general BUG line.
    private static readonly CriuLogEntry[] Entries = [.. CriuLogDump.Entries, .. CriuLogRestore.Entries, .. CriuLogStreaming.Entries];

    /// <summary>Explains a run that failed.</summary>
    /// <param name="logText">CRIU's log, or empty: it is not opened yet when CRIU fails early.</param>
    /// <param name="standardError">What CRIU wrote to stdout and stderr.</param>
    /// <param name="exitCode">As <see cref="CriuResult.ExitCode"/>.</param>
    public static CriuDiagnosis Diagnose(string logText, string standardError, int exitCode)
    {
        (CriuLogEntry Entry, string Line)? cause = null;
        (CriuLogEntry Entry, string Line)? followUp = null;
        string? unknown = null;
        foreach (string line in Lines(logText).Concat(Lines(standardError)))
        {
            if (Find(line) is not { } entry)
            {
                unknown ??= IsError(line) ? line : null;
            }
            else if (entry.Kind == CriuLineKind.Cause)
            {
                cause ??= (entry, line);
            }
            else if (entry.Kind == CriuLineKind.FollowUp)
            {
                followUp ??= (entry, line);
            }
        }

        return cause is { } found ? Explain(found.Entry, found.Line)
            : exitCode == HookExitCode && unknown is null ? Hook()
            : unknown is not null ? new CriuDiagnosis("criu-error", "CRIU failed with an error that is not in our table", "read the log", Shorten(unknown))
            : followUp is { } last ? Explain(last.Entry, last.Line)
            : Silent(exitCode);
    }

    /// <summary>Explains a run whose log lies in a file (bounded; a missing one counts as empty).</summary>
    public static CriuDiagnosis DiagnoseFile(CriuResult result)
    {
        return Diagnose(ReadBounded(result.LogPath), result.Stderr, result.ExitCode);
    }

    internal static CriuLogEntry? Find(string line)
    {
        return Array.Find(Entries, e => e.Matches(line));
    }

    private static IEnumerable<string> Lines(string text)
    {
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(IsOfInterest);
    }

    // Debug lines hold paths and names from the workload, which must not be taken for errors.
    private static bool IsOfInterest(string line)
    {
        return IsError(line) || line.Contains("Warn  (", StringComparison.Ordinal) || !line.StartsWith('(');
    }

    private static bool IsError(string line)
    {
        return line.Contains("Error (", StringComparison.Ordinal) || line.StartsWith("Error: ", StringComparison.Ordinal)
            || line.Contains("BUG at ", StringComparison.Ordinal);
    }

    private static CriuDiagnosis Explain(CriuLogEntry entry, string line)
    {
        return new CriuDiagnosis(entry.Code, entry.Cause, entry.Remedy, Shorten(line));
    }

    private static CriuDiagnosis Hook()
    {
        return new CriuDiagnosis("hook-refused", "the hook stopped CRIU after the dump; CRIU let the workload run on", "read the operation's own error", null);
    }

    private static CriuDiagnosis Silent(int exitCode)
    {
        return exitCode switch
        {
            AbortExitCode => new CriuDiagnosis("criu-bug", "CRIU aborted", "report it to the CRIU project with the log", null),
            > 128 and < 192 => new CriuDiagnosis("criu-killed", $"CRIU was ended by signal {exitCode - 128}", "try again", null),
            _ => new CriuDiagnosis("criu-unknown", $"CRIU ended with code {exitCode} and gave no reason", "read the log", null),
        };
    }

    private static string Shorten(string line)
    {
        return line.Length <= LongestLine ? line : string.Concat(line.AsSpan(0, LongestLine), "...");
    }

    private static string ReadBounded(string path)
    {
        if (!File.Exists(path))
        {
            return "";
        }

        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length <= MaximumLogBytes)
        {
            return ReadPart(file, 0, MaximumLogBytes);
        }

        return ReadPart(file, 0, MaximumLogBytes / 2) + "\n" + ReadPart(file, file.Length - (MaximumLogBytes / 2), MaximumLogBytes / 2);
    }

    private static string ReadPart(FileStream file, long offset, int length)
    {
        byte[] bytes = new byte[Math.Min(length, Math.Max(0, file.Length - offset))];
        file.Position = offset;
        int read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }
}
