using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Integration.Tests;

/// <summary>A person's word on CRIU's options reaches CRIU, here and at the restore, and does no harm when it is wrong.</summary>
public sealed class CriuOptionTests
{
    private const int Mebibytes = 16;

    [Fact]
    public async Task What_was_set_is_told_recorded_and_repeated_at_restore()
    {
        await using var lab = await CreateLabAsync();
        var counter = await CounterWorkload.StartAsync(lab, Mebibytes);

        var outcome = (await CheckpointAsync(lab, counter.Pid, "ghost-limit=64M", "file-locks=yes")).MustSucceed().Json;

        Assert.Equal(
            ["file-locks", "ghost-limit"],
            outcome.GetProperty("findings").EnumerateArray().Where(f => Text(f, "code") == "criu-option-set").Select(f => Text(f, "subject")).Order());
        var dump = Arguments(lab, "dump");
        Assert.Contains("--ghost-limit 67108864", dump, StringComparison.Ordinal);
        Assert.Contains("--file-locks", dump, StringComparison.Ordinal);

        var restored = (await lab.CheckpointerAsync("restore", Text(outcome, "snapshot"), "--embedded", "--json")).MustSucceed().Json;
        lab.Track(restored.GetProperty("pid").GetInt32());
        Assert.Contains("--file-locks", Arguments(lab, "restore"), StringComparison.Ordinal);
        await counter.MustCountAsync();
        await counter.VerifyAsync();
    }

    [Fact]
    public async Task An_option_that_is_wrong_for_the_workload_does_it_no_harm()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        // The counter has an established connection, which CRIU refuses to dump without being told.
        var counter = await CounterWorkload.StartAsync(lab, Mebibytes);

        (await CheckpointAsync(lab, counter.Pid, "tcp-established=no")).MustExit(1);

        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_name_that_is_not_on_the_list_is_wrong_usage()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, Mebibytes);

        (await CheckpointAsync(lab, counter.Pid, "exec-cmd=sh")).MustSay(2, "criu-option-unknown");

        await counter.MustBeUnharmedAsync(lab);
    }

    [Fact]
    public async Task A_dry_run_judges_them_as_the_checkpoint_would()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, Mebibytes);
        string[] dryRun = ["checkpoint", "--pid", $"{counter.Pid}", "--embedded", "--json", "--dry-run"];

        (await lab.CheckpointerAsync([.. dryRun, "--criu-option", "exec-cmd=sh"])).MustSay(2, "criu-option-unknown");
        (await lab.CheckpointerAsync([.. dryRun, "--criu-option", "ghost-limit=many"])).MustSay(2, "criu-option-value");
        (await lab.CheckpointerAsync([.. dryRun, "--include", Path.Combine(lab.Directory, "absent")])).MustSay(2, "include-unusable");
        var report = (await lab.CheckpointerAsync([.. dryRun, "--criu-option", "file-locks=yes"])).MustSucceed().Json;

        Assert.Contains(report.GetProperty("findings").EnumerateArray(), static f => Text(f, "code") == "criu-option-set" && Text(f, "subject") == "file-locks");
        await counter.MustBeUnharmedAsync(lab);
    }

    [Fact]
    public async Task Cgroups_may_be_left_to_criu()
    {
        await using var lab = await CreateLabAsync();
        var counter = await CounterWorkload.StartAsync(lab, Mebibytes);
        var snapshot = (await CheckpointAsync(lab, counter.Pid, "manage-cgroups=soft")).MustSucceed().Json;

        var restored = (await lab.CheckpointerAsync("restore", Text(snapshot, "snapshot"), "--embedded", "--json")).MustSucceed().Json;

        lab.Track(restored.GetProperty("pid").GetInt32());
        Assert.Contains("--manage-cgroups=soft", Arguments(lab, "restore"), StringComparison.Ordinal);
        await counter.MustCountAsync();
        await counter.VerifyAsync();
    }

    private static Task<Outcome> CheckpointAsync(Lab lab, int pid, params string[] options) => lab.CheckpointerAsync(
        ["checkpoint", "--pid", pid.ToString(CultureInfo.InvariantCulture), "--embedded", "--json", .. options.SelectMany(o => (string[])["--criu-option", o])]);

    /// <summary>A lab whose CRIU writes down how it is called before it does its work.</summary>
    private static async Task<Lab> CreateLabAsync()
    {
        var lab = await Lab.CreateWithRepositoryAsync();
        var wrapper = Path.Combine(lab.Directory, "criu");
        await File.WriteAllTextAsync(
            wrapper, $"#!/bin/sh\necho \"$*\" >>{lab.Directory}/criu-calls\nexec {Installation.Criu} \"$@\"\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        lab.Environment["CHECKPOINTER_CRIU"] = wrapper;
        return lab;
    }

    private static string Arguments(Lab lab, string command) =>
        Assert.Single(File.ReadAllLines(Path.Combine(lab.Directory, "criu-calls")), line => line.StartsWith(command + " ", StringComparison.Ordinal));

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
