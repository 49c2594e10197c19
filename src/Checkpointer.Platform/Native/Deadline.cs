namespace Checkpointer.Platform;

/// <summary>A point in monotonic time until which something is waited for; may be "never".</summary>
internal readonly struct Deadline
{
    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly TimeSpan _span;

    private Deadline(TimeSpan span, TimeProvider clock)
    {
        _clock = clock;
        _start = clock.GetTimestamp();
        _span = span;
    }

    internal bool IsInfinite => _span == Timeout.InfiniteTimeSpan;

    internal bool IsOver => !IsInfinite && _clock.GetElapsedTime(_start) >= _span;

    /// <summary>What is left in whole milliseconds, rounded up, as poll(2) wants it; -1 for ever.</summary>
    internal int PollMilliseconds
    {
        get
        {
            if (IsInfinite)
            {
                return -1;
            }

            double left = (_span - _clock.GetElapsedTime(_start)).TotalMilliseconds;
            return left <= 0 ? 0 : (int)Math.Min(Math.Ceiling(left), int.MaxValue);
        }
    }

    internal static Deadline After(TimeSpan span)
    {
        if (span < TimeSpan.Zero && span != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(nameof(span), span, "A wait cannot be negative.");
        }

        return new Deadline(span, TimeProvider.System);
    }
}
