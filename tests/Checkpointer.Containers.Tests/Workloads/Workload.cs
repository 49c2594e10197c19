using System.Globalization;
using System.Text.RegularExpressions;

namespace Checkpointer.Containers.Tests;

/// <summary>The program of <c>tests/workloads/container</c> in a container: what it says about itself.</summary>
internal sealed partial class Workload(TestContainer container)
{
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private const int SigUsr1 = 10;

    internal TestContainer Container => container;

    /// <summary>The ticks in its log, in order.</summary>
    internal IReadOnlyList<long> Ticks => [.. container.Log().Select(line => TickLine().Match(line)).Where(m => m.Success).Select(m => Number(m.Groups[1]))];

    internal static async Task<Workload> StartAsync(TestPod pod, ContainerOptions options)
    {
        var workload = new Workload(await pod.RunAsync(options));
        await workload.MustTickAsync();
        return workload;
    }

    /// <summary>Waits until it has ticked further, and fails if it complained.</summary>
    internal async Task MustTickAsync()
    {
        var before = Ticks.LastOrDefault();
        await Eventually.TrueAsync(
            $"a tick after {before} of {container.Name} on {container.Node.Name}; its log ends with: {string.Join(" | ", container.Log().TakeLast(5))}",
            Patience,
            () => Ticks.LastOrDefault() > before || HasFailed(),
            TimeSpan.FromMilliseconds(50));
        MustNotHaveFailed();
    }

    /// <summary>It checks everything it does and all it has, on a signal to the container's PID 1.</summary>
    internal async Task VerifyAsync()
    {
        var before = Verified().Count;
        container.Signal(SigUsr1);
        await Eventually.TrueAsync(
            $"verification of {container.Name} on {container.Node.Name}", Patience, () => Verified().Count > before || HasFailed(), TimeSpan.FromMilliseconds(50));
        MustNotHaveFailed();
        Assert.EndsWith(" errors 0", Verified()[^1], StringComparison.Ordinal);
    }

    internal void MustNotHaveFailed() => Assert.DoesNotContain(container.Log(), line => line.StartsWith("FAILED", StringComparison.Ordinal));

    /// <summary>Every tick once and in order, over all logs that this workload has written: nothing lost, nothing twice.</summary>
    internal static void MustHaveTickedWithoutGap(params Workload[] generations)
    {
        var expected = 0L;
        foreach (var tick in generations.SelectMany(generation => generation.Ticks))
        {
            Assert.Equal(++expected, tick);
        }

        Assert.NotEqual(0, expected);
    }

    private bool HasFailed() => container.Log().Any(line => line.StartsWith("FAILED", StringComparison.Ordinal));

    private List<string> Verified() => [.. container.Log().Where(line => line.StartsWith("verified ", StringComparison.Ordinal))];

    private static long Number(Group group) => long.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("^tick ([0-9]+) errors [0-9]+$")]
    private static partial Regex TickLine();
}
