using System.Diagnostics;

namespace Checkpointer.Integration.Tests;

/// <summary>Waiting for the outside world, always with a deadline and a name for what did not come.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    internal static Task TrueAsync(string what, TimeSpan limit, Func<bool> condition, TimeSpan? step = null) =>
        ValueAsync(what, limit, () => condition() ? "" : null, step);

    /// <summary>The first value that is not null.</summary>
    internal static async Task<T> ValueAsync<T>(string what, TimeSpan limit, Func<T?> probe, TimeSpan? step = null)
        where T : class
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (probe() is { } value)
            {
                return value;
            }

            Assert.True(clock.Elapsed < limit, $"did not come within {limit.TotalSeconds:F0} s: {what}");
            await Task.Delay(step ?? Step, TestContext.Current.CancellationToken);
        }
    }
}
