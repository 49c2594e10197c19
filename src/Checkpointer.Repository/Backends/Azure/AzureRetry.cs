using System.Globalization;
using Azure;

namespace Checkpointer.Repository;

/// <summary>
/// Repeats requests that failed in passing, with growing pauses, until they succeed, fail for good, or have failed for <see cref="AzureOptions.GiveUpAfter"/>.
/// Nothing below it repeats anything, but for one thing that .NET's HTTP client does: a request without a body goes out again when the idle connection that it was
/// given turns out to be closed. Such requests (reads, deletes, leases by id) bear it.
/// </summary>
internal sealed class AzureRetry(AzureErrors errors, AzureOptions options, StoreTroubles troubles)
{
    private long _repeats;
    private volatile bool _answered;

    /// <summary>Attempts that were repetitions, since the start.</summary>
    public long Repeats => Interlocked.Read(ref _repeats);

    /// <param name="name">The object, for the error; null for the store as a whole.</param>
    /// <param name="attempt">One attempt: its watch, and whether an earlier one failed in a way that may have been a success.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public async Task<T> RunAsync<T>(string? name, Func<StallWatch, bool, Task<T>> attempt, CancellationToken cancellationToken)
    {
        long? firstFailure = null;
        for (int attempts = 1; ; attempts++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Exception failure;
            using (StallWatch watch = Watch(firstFailure, cancellationToken))
            {
                try
                {
                    T result = await attempt(watch, attempts > 1).ConfigureAwait(false);
                    _answered = true;
                    return result;
                }
                catch (Exception e) when (AzureFailure.IsExpected(e))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    failure = e;
                }
            }

            _answered |= AzureFailure.IsAnswer(failure);
            firstFailure ??= options.Time.GetTimestamp();
            TimeSpan tried = options.Time.GetElapsedTime(firstFailure.Value);
            TimeSpan pause = Pause(failure, attempts);
            TimeSpan patience = Patience(failure);
            if (!AzureFailure.IsTransient(failure) || tried + pause > patience)
            {
                throw errors.From(failure, name, tried, attempts);
            }

            if (tried + pause >= options.TellAfter)
            {
                troubles.Tell(AzureErrors.Reason(failure), patience - tried);
            }

            Interlocked.Increment(ref _repeats);
            await Task.Delay(pause, options.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Nobody has ever answered and the connection is refused: that is a wrong address more likely than a store that starts.</summary>
    private TimeSpan Patience(Exception? failure) =>
        !_answered && failure is not null && AzureFailure.IsRefused(failure) && options.RefusedGiveUpAfter < options.GiveUpAfter
            ? options.RefusedGiveUpAfter
            : options.GiveUpAfter;

    private StallWatch Watch(long? firstFailure, CancellationToken cancellationToken)
    {
        if (options.Trouble is null)
        {
            return new StallWatch(options.StallTime, options.Time, cancellationToken);
        }

        TimeSpan tried = firstFailure is { } first ? options.Time.GetElapsedTime(first) : TimeSpan.Zero;
        return new StallWatch(
            options.StallTime, options.Time, cancellationToken, 2 * options.TellAfter, () => troubles.Tell(AzureErrors.NoAnswer, Patience(null) - tried));
    }

    private TimeSpan Pause(Exception failure, int attempts)
    {
        double most = Math.Min(options.MaxPause.TotalMilliseconds, options.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(attempts - 1, 16)));
        TimeSpan own = TimeSpan.FromMilliseconds(most * (0.5 + (Random.Shared.NextDouble() / 2)));
        TimeSpan asked = failure is RequestFailedException failed ? Asked(failed) : TimeSpan.Zero;
        return asked > own ? asked : own;
    }

    /// <summary>What the store asks for, within reason.</summary>
    private TimeSpan Asked(RequestFailedException e)
    {
        string? text = e.GetRawResponse()?.Headers.TryGetValue("Retry-After", out string? value) == true ? value : null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, options.MaxPause.TotalSeconds))
            : TimeSpan.Zero;
    }
}
