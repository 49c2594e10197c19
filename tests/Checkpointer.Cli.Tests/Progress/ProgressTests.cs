using Checkpointer.Cli.Progress;
using Checkpointer.Cli.Tests.Support;
using Checkpointer.Engine;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Cli.Tests.Progress;

public sealed class ProgressTests
{
    private const long GiB = 1L << 30;

    [Fact]
    public async Task Plain_lines_tell_each_phase_and_now_and_then_how_far_it_is()
    {
        var time = new FakeTimeProvider();
        var writer = new StringWriter();
        var display = new PlainProgress(new StderrLines(writer), time);
        await display.ShowAsync(progress =>
        {
            progress.Report(new OperationProgress { Phase = OperationPhase.Inspect });
            time.Advance(TimeSpan.FromMilliseconds(20));
            progress.Report(new OperationProgress { Phase = OperationPhase.Dump, BytesTotal = 12 * GiB });
            time.Advance(TimeSpan.FromSeconds(3));
            progress.Report(Moment(3, 1));
            time.Advance(TimeSpan.FromSeconds(3));
            progress.Report(Moment(6, 2));
            time.Advance(TimeSpan.FromSeconds(1));
            progress.Report(Moment(7, 2));
            time.Advance(TimeSpan.FromSeconds(5));
            progress.Report(Moment(12, 4));
            progress.Report(new OperationProgress { Phase = OperationPhase.Commit });
            progress.Report(new OperationProgress { Phase = OperationPhase.Done });
            return Task.FromResult(0);
        });

        Assert.Equal(
            """
            inspect ...
            inspect: 20ms
            dump ...
            dump: 6 GiB of 12 GiB, 1 GiB/s, ratio 3.0, ETA 6s
            dump: 12 GiB of 12 GiB, 1 GiB/s, ratio 3.0
            dump: 12s, 12 GiB, 1 GiB/s, ratio 3.0
            commit ...
            commit: 0s

            """,
            writer.ToString());
    }

    [Fact]
    public async Task A_failure_ends_the_display_without_a_word_and_goes_on_up()
    {
        var writer = new StringWriter();
        var display = new PlainProgress(new StderrLines(writer), new FakeTimeProvider());
        var error = new OperationFailedException("x", "broken");
        var thrown = await Assert.ThrowsAsync<OperationFailedException>(() => display.ShowAsync<int>(progress =>
        {
            progress.Report(new OperationProgress { Phase = OperationPhase.Dump });
            throw error;
        }));
        Assert.Same(error, thrown);
        Assert.Equal("dump ...\n", writer.ToString());
    }

    [Fact]
    public async Task A_terminal_gets_a_bar_for_each_phase()
    {
        var time = new FakeTimeProvider();
        var writer = new StringWriter();
        var lines = new StderrLines(writer);
        var display = new LiveProgress(writer, lines, time);
        var result = await display.ShowAsync(progress =>
        {
            progress.Report(new OperationProgress { Phase = OperationPhase.Inspect });
            progress.Report(Moment(6, 2));
            lines.Write("warning: [bold]not markup[/]");
            time.Advance(TimeSpan.FromSeconds(12));
            progress.Report(Moment(12, 4));
            progress.Report(new OperationProgress { Phase = OperationPhase.Done });
            return Task.FromResult(42);
        });

        Assert.Equal(42, result);
        var text = writer.ToString();
        Assert.Contains("inspect", text, StringComparison.Ordinal);
        Assert.Contains("dump", text, StringComparison.Ordinal);
        Assert.Contains("12s, 12 GiB, 1 GiB/s, ratio 3.0", text, StringComparison.Ordinal);
        Assert.Contains("warning: [bold]not markup[/]", text, StringComparison.Ordinal);
        Assert.Contains("\u001b[", text, StringComparison.Ordinal);
        Assert.DoesNotContain("done", text, StringComparison.Ordinal);

        // The cursor, hidden for the bars, is back.
        Assert.True(text.LastIndexOf("\u001b[?25h", StringComparison.Ordinal) > text.LastIndexOf("\u001b[?25l", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_under_a_live_display_goes_on_up_and_gives_the_lines_back()
    {
        var writer = new StringWriter();
        var lines = new StderrLines(writer);
        var display = new LiveProgress(writer, lines, new FakeTimeProvider());
        await Assert.ThrowsAsync<OperationFailedException>(() => display.ShowAsync<int>(progress =>
        {
            progress.Report(new OperationProgress { Phase = OperationPhase.Dump });
            throw new OperationFailedException("x", "broken");
        }));
        Assert.Contains("failed after 0s", writer.ToString(), StringComparison.Ordinal);
        lines.Write("error: broken");
        Assert.EndsWith("error: broken\n", writer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_goes_to_standard_error_and_leaves_the_object_alone()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, progress, _) =>
        {
            progress.Report(new OperationProgress { Phase = OperationPhase.Dump });
            return Task.FromResult(Samples.Checkpoint);
        };
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--json");
        cli.Json();
        Assert.Contains("dump ...", cli.Err, StringComparison.Ordinal);

        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--json", "--quiet");
        Assert.Equal("", cli.Err);
    }

    [Fact]
    public void Nothing_known_says_nothing()
    {
        var moment = new OperationProgress { Phase = OperationPhase.Dump };
        Assert.Equal("", ProgressText.Running(moment));
        Assert.Null(ProgressText.Percent(moment));
    }

    [Fact]
    public void More_than_was_estimated_is_not_more_than_all()
    {
        var moment = new OperationProgress { Phase = OperationPhase.Dump, BytesDone = 3 * GiB, BytesTotal = GiB, BytesPerSecond = GiB };
        Assert.Equal("3 GiB, 1 GiB/s", ProgressText.Running(moment));
        Assert.Equal(100, ProgressText.Percent(moment));
    }

    [Fact]
    public void An_estimate_of_days_is_not_shown()
    {
        var moment = Moment(600, 0) with { BytesTotal = 1L << 40, BytesPerSecond = 1024 };
        Assert.DoesNotContain("ETA", ProgressText.Running(moment), StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_small_files_make_no_estimate()
    {
        var moment = new OperationProgress { Phase = OperationPhase.Dump, BytesDone = 1000, BytesTotal = 1 << 20, BytesPerSecond = 600 };
        Assert.DoesNotContain("ETA", ProgressText.Running(moment), StringComparison.Ordinal);
    }

    [Fact]
    public void A_short_phase_has_its_time_only()
    {
        Assert.Equal("300ms", ProgressText.Finished(Moment(6, 2), TimeSpan.FromMilliseconds(300)));
        Assert.Equal("3s, 6 GiB, 2 GiB/s, ratio 3.0", ProgressText.Finished(Moment(6, 2), TimeSpan.FromSeconds(3)));
    }

    private static OperationProgress Moment(long gib, long stored) => new()
    {
        Phase = OperationPhase.Dump,
        BytesDone = gib * GiB,
        BytesTotal = 12 * GiB,
        BytesStored = stored * GiB,
        BytesPerSecond = GiB,
    };
}
