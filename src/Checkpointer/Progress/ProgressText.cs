using System.Globalization;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Progress;

/// <summary>The words of a moment: amount, speed, ratio, time left.</summary>
internal static class ProgressText
{
    /// <summary>Longer estimates are guesses and say nothing.</summary>
    private static readonly TimeSpan LongestEta = TimeSpan.FromDays(1);

    /// <summary>Before this share is done the speed is that of the first small files, and an estimate from it is a joke.</summary>
    private const int EstimableShare = 100;

    /// <summary>Amounts are looked at a few times a second: of a shorter phase they tell little.</summary>
    private static readonly TimeSpan ShortestMeasured = TimeSpan.FromSeconds(1);

    /// <summary>For example <c>1.2 GiB of 4 GiB, 1.1 GiB/s, ratio 2.1, ETA 3s</c>; empty where there is nothing to tell yet.</summary>
    public static string Running(OperationProgress moment)
    {
        var parts = new List<string>();
        if (moment.BytesDone > 0)
        {
            parts.Add(moment.BytesTotal is > 0 and var total && total >= moment.BytesDone
                ? $"{ByteSize.Format(moment.BytesDone)} of {ByteSize.Format(total)}"
                : ByteSize.Format(moment.BytesDone));
        }

        AddSpeed(parts, moment);
        if (Eta(moment) is { } eta)
        {
            parts.Add($"ETA {Durations.Format(eta)}");
        }

        return string.Join(", ", parts);
    }

    /// <summary>The same for a phase that is over: no time left, but the time taken.</summary>
    public static string Finished(OperationProgress moment, TimeSpan took)
    {
        var parts = new List<string> { Texts.Span(took) };
        if (moment.BytesDone > 0 && took >= ShortestMeasured)
        {
            parts.Add(ByteSize.Format(moment.BytesDone));
            AddSpeed(parts, moment with { BytesPerSecond = moment.BytesDone / took.TotalSeconds });
        }

        return string.Join(", ", parts);
    }

    /// <summary>Of the phase, 0 to 100; null where the total is not known.</summary>
    public static double? Percent(OperationProgress moment)
    {
        return moment.BytesTotal is > 0 and var total ? Math.Clamp(100.0 * moment.BytesDone / total, 0, 100) : null;
    }

    private static void AddSpeed(List<string> parts, OperationProgress moment)
    {
        if (moment.BytesPerSecond >= 1)
        {
            parts.Add(Texts.Rate(moment.BytesPerSecond));
        }

        if (moment.BytesReused > 0)
        {
            parts.Add($"{ByteSize.Format(moment.BytesReused)} unchanged");
        }

        if (moment.BytesStored > 0 && moment.BytesDone > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"ratio {Texts.Ratio(moment.BytesDone, moment.BytesStored)}"));
        }
    }

    private static TimeSpan? Eta(OperationProgress moment)
    {
        if (moment.BytesTotal is not { } total || total <= moment.BytesDone)
        {
            return null;
        }

        if (moment.BytesPerSecond < 1 || moment.BytesDone < total / EstimableShare)
        {
            return null;
        }

        var seconds = Math.Ceiling((total - moment.BytesDone) / moment.BytesPerSecond);
        return seconds <= LongestEta.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }
}
