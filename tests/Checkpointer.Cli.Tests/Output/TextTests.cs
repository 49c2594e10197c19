using Checkpointer.Cli.Output;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Output;

public sealed class TextTests
{
    [Fact]
    public async Task A_checkpoint_is_told_in_a_few_lines()
    {
        using var cli = new TestCli();
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x");
        Assert.Equal(
            [
                $"snapshot  {Samples.Snapshot}",
                "name      training",
                $"parent    {Samples.Lineage}-2",
                "captured  3 GiB, 512 MiB shared with its parent, stored 1 GiB (ratio 3.0)",
                "frozen    1.23s (by CRIU's clock 1.2s)",
                $"workload  ended; restore it with: checkpointer restore {Samples.Snapshot}",
                "  1 note: preflight and --json show it",
            ],
            cli.OutLines);
    }

    [Fact]
    public void An_object_is_named_once_and_one_thing_is_not_called_by_its_plural()
    {
        Finding damaged = new("pack-damaged", FindingSeverity.Blocker, "packs/ab/1", "packs/ab/1 is damaged: it is truncated", "", "bring it back");
        Assert.Equal(["  blocker: packs/ab/1 is damaged: it is truncated (pack-damaged)", "    remedy: bring it back"], FindingText.Lines([damaged]));
        Assert.Equal(["  note: packs/ab/1: no snapshot names it (x)"], FindingText.Lines([new("x", FindingSeverity.Note, "packs/ab/1", "no snapshot names it", "", "")]));
        Assert.Equal(["0 packs", "1 pack", "2 packs"], new[] { 0, 1, 2 }.Select(n => Texts.Count(n, "pack")));
    }

    [Fact]
    public void What_was_overridden_is_told_again()
    {
        Assert.Equal(
            [
                "  overridable: fd 1 of pid 4711: a pipe to pid 12 (outside-pipe)",
                "    needed: a file",
                "    remedy: Redirect it.",
                "  2 notes: preflight and --json show them",
            ],
            FindingText.AfterSuccess([Samples.Note, Samples.Overridable, Samples.Note]));
        Assert.Empty(FindingText.AfterSuccess([]));
    }

    [Fact]
    public void A_finding_that_needs_nothing_says_nothing_about_it()
    {
        Assert.Equal(
            ["  note: vm.overcommit_memory: 0 (overcommit)"],
            FindingText.Lines([Samples.Note with { Needed = "nothing", Remedy = "nothing" }]));
    }

    [Fact]
    public async Task Quiet_leaves_the_id_for_a_script()
    {
        using var cli = new TestCli();
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x", "--quiet");
        Assert.Equal([Samples.Snapshot], cli.OutLines);
        Assert.Equal("", cli.Err);
    }

    [Fact]
    public async Task Quiet_leaves_the_pid_of_a_restore()
    {
        using var cli = new TestCli();
        await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--quiet");
        Assert.Equal(["815"], cli.OutLines);
    }

    [Fact]
    public async Task A_restore_is_told_in_a_few_lines()
    {
        using var cli = new TestCli();
        await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x");
        Assert.Equal(
            [
                $"snapshot   {Samples.Snapshot}",
                "pid        815",
                "log        /var/lib/checkpointer/trees/01jdk3v8q2m4x7ya/output.log",
                "operation  01jdk3v8q2m4x7ya",
                "took       900ms",
                "read       300 MiB from the store, in 75 requests",
            ],
            cli.OutLines);
    }

    [Fact]
    public async Task A_verdict_ends_with_its_summary()
    {
        using var cli = new TestCli();
        cli.Embedded.OnPreflight = _ => Task.FromResult(Samples.Preflight with { Findings = [Samples.Overridable] });
        Assert.Equal(3, await cli.RunAsync("preflight", "--pid", "4711"));
        Assert.Equal("pid 4711 (python3): refused (2 processes, about 1 GiB)", cli.OutLines[^1]);
        Assert.Equal(0, await cli.RunAsync("preflight", "--pid", "4711", "--force"));
        Assert.Equal("pid 4711 (python3): possible (2 processes, about 1 GiB)", cli.OutLines[^1]);
    }

    [Fact]
    public async Task A_blocker_refuses_even_with_force()
    {
        using var cli = new TestCli();
        cli.Embedded.OnPreflight = _ => Task.FromResult(Samples.Preflight with { Findings = [Samples.Blocker] });
        Assert.Equal(3, await cli.RunAsync("preflight", "--pid", "4711", "--force"));
    }

    [Fact]
    public void Columns_are_as_wide_as_they_must_be()
    {
        Assert.Equal(
            ["A    LONG", "xyz  1", "b    22"],
            Columns.Lines(["A", "LONG"], [["xyz", "1"], ["b", "22"]]));
    }

    [Theory]
    [InlineData(0.1234, "0.12ms")]
    [InlineData(87.4, "87ms")]
    [InlineData(1234.5, "1.23s")]
    [InlineData(125000, "2m5s")]
    public void Times_have_about_three_digits(double milliseconds, string text) => Assert.Equal(text, Texts.Milliseconds(milliseconds));
}
