using System.Globalization;

namespace Checkpointer.Engine.Gpu;

/// <summary>What kind of answer the worker gave.</summary>
internal enum GpuAnswerKind
{
    Done,

    /// <summary>The driver answered with an error code.</summary>
    Driver,

    /// <summary>The process is not there any more; nothing was called.</summary>
    Gone,

    /// <summary>The driver is too old.</summary>
    Unsupported,

    /// <summary>There is no driver.</summary>
    Library,

    /// <summary>The call could not be begun.</summary>
    NotBegun,

    /// <summary>The worker was killed or died in the call: nobody knows what it did, and it must not be repeated.</summary>
    Unknown,
}

/// <summary>One answer of <c>checkpointer-gpu</c>, as docs/native.md describes it.</summary>
internal sealed record GpuAnswer(GpuAnswerKind Kind, IReadOnlyDictionary<string, string> Words, IReadOnlyList<IReadOnlyDictionary<string, string>> Items)
{
    /// <summary>CUDA's code for "not ready": a lock's time has passed.</summary>
    public const int NotReady = 600;

    /// <summary>CUDA's code for "out of memory"; of a checkpoint it means the host's.</summary>
    public const int OutOfMemory = 2;

    /// <summary>CUDA's code for what this driver cannot checkpoint.</summary>
    public const int NotSupported = 801;

    public bool IsDone => Kind == GpuAnswerKind.Done;

    public int Code => Number("code");

    /// <summary>The driver's own time for the call.</summary>
    public TimeSpan Elapsed => TimeSpan.FromMilliseconds(
        double.TryParse(Word("ms"), NumberStyles.Float, CultureInfo.InvariantCulture, out var ms) && ms is >= 0 and < 1e9 ? ms : 0);

    public string Word(string key) => Words.GetValueOrDefault(key, "");

    public int Number(string key) => int.TryParse(Word(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : -1;

    /// <summary>For messages: <c>cuCheckpointProcessLock: CUDA_ERROR_NOT_READY (600)</c>.</summary>
    public string Text => Kind switch
    {
        GpuAnswerKind.Done or GpuAnswerKind.Driver => $"{Word("call")}: {Word("name")} ({Word("code")})",
        GpuAnswerKind.Unsupported => $"the driver knows CUDA {Version(Number("driver"))}, this takes {Version(Number("needs"))}",
        GpuAnswerKind.Unknown => $"the driver did not answer ({Word("why")}), and nobody can say what it did",
        _ => Word("text"),
    };

    /// <summary>What a call that was never answered is.</summary>
    public static GpuAnswer Unanswered(string why) =>
        new(GpuAnswerKind.Unknown, new Dictionary<string, string> { ["why"] = why }, []);

    /// <summary>CUDA's version numbers as people write them: 13000 is 13.0.</summary>
    public static string Version(int number) => string.Create(CultureInfo.InvariantCulture, $"{number / 1000}.{number % 1000 / 10}");

    /// <summary>Parses the last line of an answer, without its id.</summary>
    public static GpuAnswer Parse(string line, IReadOnlyList<IReadOnlyDictionary<string, string>> items)
    {
        var parts = line.Split(' ', 3);
        return parts[0] == "ok"
            ? new GpuAnswer(GpuAnswerKind.Done, ParseWords(line["ok".Length..]), items)
            : new GpuAnswer(KindOf(parts.ElementAtOrDefault(1)), ParseWords(parts.ElementAtOrDefault(2) ?? ""), items);
    }

    /// <summary>Words <c>key=value</c>; <c>text=</c> takes the rest of the line.</summary>
    public static Dictionary<string, string> ParseWords(string line)
    {
        Dictionary<string, string> words = new(StringComparer.Ordinal);
        for (var rest = line.TrimStart(' '); rest.Length > 0;)
        {
            var end = rest.StartsWith("text=", StringComparison.Ordinal) ? -1 : rest.IndexOf(' ', StringComparison.Ordinal);
            var word = end < 0 ? rest : rest[..end];
            rest = end < 0 ? "" : rest[(end + 1)..].TrimStart(' ');
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                words[word[..equals]] = word[(equals + 1)..];
            }
        }

        return words;
    }

    private static GpuAnswerKind KindOf(string? word) => word switch
    {
        "driver" => GpuAnswerKind.Driver,
        "gone" => GpuAnswerKind.Gone,
        "unsupported" => GpuAnswerKind.Unsupported,
        "library" => GpuAnswerKind.Library,
        "unknown" => GpuAnswerKind.Unknown,
        _ => GpuAnswerKind.NotBegun,
    };
}
