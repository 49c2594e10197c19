using System.Globalization;

namespace Checkpointer.Cli.Output;

/// <summary>Containers as people read them: one line each.</summary>
internal static class ContainerText
{
    private const int ShownId = 12;
    private const string Unknown = "-";
    private const string Digest = "sha256:";

    private static readonly string[] Header = ["CONTAINER", "POD", "NAME", "IMAGE", "STATE", "PID", "AGE", "PROCESSES", "MEMORY", "GPU"];

    /// <param name="containers">All of them.</param>
    /// <param name="now">For their ages.</param>
    /// <param name="judged">Whether somebody said what speaks against a checkpoint.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<ContainerOutput> containers, DateTimeOffset now, bool judged)
    {
        IReadOnlyList<string> header = judged ? [.. Header, "CHECKPOINTABLE"] : Header;
        return Columns.Lines(header, [.. containers.Select(c => Row(c, now, judged))]);
    }

    /// <summary>The two largest units.</summary>
    public static string Age(TimeSpan age)
    {
        var step = age switch
        {
            { TotalDays: >= 1 } => TimeSpan.TicksPerHour,
            { TotalHours: >= 1 } => TimeSpan.TicksPerMinute,
            _ => TimeSpan.TicksPerSecond,
        };
        return Durations.Format(TimeSpan.FromTicks(Math.Max(0, age.Ticks / step * step)));
    }

    private static IReadOnlyList<string> Row(ContainerOutput container, DateTimeOffset now, bool judged)
    {
        List<string> cells =
        [
            container.Id[..Math.Min(ShownId, container.Id.Length)],
            container.Pod is null ? Unknown : $"{container.Namespace}/{container.Pod}",
            container.Name,
            Image(container.Image),
            container.State,
            Number(container.Pid),
            Age(now - container.Created),
            Number(container.Processes),
            container.MemoryBytes is { } bytes ? ByteSize.Format(bytes) : Unknown,
            container.Gpu switch { true => "yes", false => "no", null => Unknown },
        ];
        if (judged)
        {
            cells.Add(Verdict(container));
        }

        return cells;
    }

    private static string Verdict(ContainerOutput container) => container switch
    {
        { Checkpointable: true } => "yes",
        { Finding: { } finding } => $"no: {finding.Subject}: {finding.Found} ({finding.Code})",
        { Checkpointable: false } => "no",
        _ => Unknown,
    };

    private static string Image(string image)
    {
        return image.Length == 0 ? Unknown
            : image.StartsWith(Digest, StringComparison.Ordinal) && image.Length > Digest.Length + ShownId ? image[..(Digest.Length + ShownId)]
            : image;
    }

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;
}
