namespace Checkpointer.Containers.Tests;

/// <summary>Workloads that gave up being root, and placeholders that may signal them or not.</summary>
public sealed class SignalTests(TwoNodes nodes)
{
    private const int User = 1000;
    private const int ExitCode = 42;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private static readonly ContainerOptions Options = new()
    {
        Image = ContainerOptions.ToolsImage,
        DroppedCapabilities = ["KILL"],
        Command =
        [
            "python3", "-u", "-c",
            $"import os, signal, sys, time\nos.setgid({User}); os.setuid({User})\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit({ExitCode}))\n"
                + "n = 0\nwhile True:\n  n += 1\n  print('turn', n)\n  time.sleep(0.1)",
        ],
    };

    [Fact]
    public async Task A_placeholder_that_cannot_signal_the_workload_is_refused_and_says_what_does_not_work()
    {
        var snapshot = await SnapshotAsync();
        await using var pod = await TestPod.StartAsync(nodes.B, "mute");
        var waiting = await pod.RunAsync(Placeholder.Of(Options));
        var refused = await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        refused.MustExit(3);
        Assert.Contains("placeholder-cannot-signal", refused.Stdout, StringComparison.Ordinal);
        Assert.Contains("CAP_KILL", refused.Stdout, StringComparison.Ordinal);
        await waiting.MustWaitAsync();

        // As the remedy says.
        (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json", "--force")).MustSucceed();
        await waiting.MustSayAsync("turn ");
        await waiting.StopAsync(Grace);
        Assert.Equal(128 + Signals.Kill, await waiting.ExitCodeAsync(Workload.Patience));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("capability")]
    public async Task A_placeholder_of_the_same_user_or_with_the_capability_passes_a_stop_on(string by)
    {
        var snapshot = await SnapshotAsync();
        await using var pod = await TestPod.StartAsync(nodes.B, "by-" + by);
        var options = by == "user" ? Options with { User = User } : Options with { DroppedCapabilities = [] };
        var after = await pod.RunAsync(Placeholder.Of(options));
        var outcome = await nodes.B.CheckpointerAsync(["restore", snapshot, "--into", after.Id, "--json", .. NodeCapabilities.OtherUsers]);
        Assert.DoesNotContain("placeholder-cannot-signal", outcome.MustSucceed().Stdout, StringComparison.Ordinal);
        await after.MustSayAsync("turn ");
        await after.StopAsync(Workload.Patience);
        Assert.Equal(ExitCode, await after.ExitCodeAsync(Workload.Patience));
    }

    private async Task<string> SnapshotAsync()
    {
        await nodes.NeedToolsAsync();
        await using var pod = await TestPod.StartAsync(nodes.A, "dropped");
        var before = await pod.RunAsync(Options);
        await before.MustSayAsync("turn ", 2);
        return (await before.CheckpointAsync(NodeCapabilities.OtherUsers)).Snapshot();
    }
}
