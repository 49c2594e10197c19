using System.Globalization;
using System.Text.RegularExpressions;

namespace Checkpointer.Integration.Tests;

/// <summary>Repositories, keys and machines that do not do. The workload never notices.</summary>
public sealed class BadPlaceTests
{
    [Fact]
    public async Task A_repository_that_is_not_there_is_named()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        Directory.Delete(lab.Repository, recursive: true);
        await MustFailUnharmedAsync(lab, 4, "repository-not-found");
    }

    [Fact]
    public async Task A_missing_repository_is_named_also_where_its_key_file_is_missing()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        Directory.Delete(lab.Repository, recursive: true);
        File.Delete(lab.KeyFile);
        await MustFailUnharmedAsync(lab, 4, "repository-not-found");
    }

    [Fact]
    public async Task A_repository_that_is_a_file_is_named()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        Directory.Delete(lab.Repository, recursive: true);
        await File.WriteAllTextAsync(lab.Repository, "not a repository", TestContext.Current.CancellationToken);
        var outcome = await lab.CheckpointerAsync("list", "--json");
        outcome.MustExit(4);
        Assert.Contains(lab.Repository, outcome.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_of_another_repository_is_refused()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        lab.Environment["CHECKPOINTER_KEY_FILE"] = Path.Combine(lab.Directory, "other.key");
        (await lab.CheckpointerAsync("init", "--repo", Path.Combine(lab.Directory, "other"))).MustSucceed();
        await MustFailUnharmedAsync(lab, 4, "wrong-key");
    }

    [Fact]
    public async Task A_missing_key_file_is_named()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        File.Delete(lab.KeyFile);
        await MustFailUnharmedAsync(lab, 4, "key-file-not-found");
    }

    [Fact]
    public async Task A_repository_of_a_newer_format_is_refused()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var config = Path.Combine(lab.Repository, "repository.json");
        var text = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);
        var newer = Regex.Replace(text, "(\"[a-zA-Z]*[vV]ersion\"\\s*:\\s*)1\\b", "${1}99");
        Assert.NotEqual(text, newer);
        await File.WriteAllTextAsync(config, newer, TestContext.Current.CancellationToken);
        await MustFailUnharmedAsync(lab, 4, "repository-too-new");
    }

    [Fact]
    public async Task A_full_disk_leaves_the_workload_running_and_no_snapshot()
    {
        await using var lab = Lab.Create();
        Directory.CreateDirectory(lab.Repository);
        (await lab.RunAsync("/bin/mount", ["-t", "tmpfs", "-o", "size=4m", "small", lab.Repository], Lab.DefaultLimit)).MustSucceed();
        (await lab.CheckpointerAsync("init")).MustSucceed();
        var outcome = await MustFailUnharmedAsync(lab, 4, "store-full");
        Assert.False(outcome.Json.GetProperty("error").GetProperty("snapshotDurable").GetBoolean());
        Assert.Empty((await lab.CheckpointerAsync("list", "--json")).MustSucceed().Json.GetProperty("snapshots").EnumerateArray());
    }

    [Fact]
    public async Task A_machine_without_criu_is_told_how_to_get_it()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        lab.Environment["CHECKPOINTER_CRIU"] = "/nonexistent/criu";
        await MustFailUnharmedAsync(lab, 5, "no-criu");
    }

    [Fact]
    public async Task A_criu_that_is_too_old_is_refused()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var old = Path.Combine(lab.Directory, "old-criu");
        await File.WriteAllTextAsync(old, "#!/bin/sh\necho 'Version: 3.17.1'\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(old, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        lab.Environment["CHECKPOINTER_CRIU"] = old;
        await MustFailUnharmedAsync(lab, 5, "criu-too-old");
    }

    [Fact]
    public async Task Root_without_its_capabilities_is_no_privilege()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 4);
        var outcome = await lab.RunAsync(
            Installation.NeedProgram("setpriv"),
            ["--bounding-set=-all", "--inh-caps=-all", Installation.Checkpointer, "checkpoint", "--pid", $"{counter.Pid}", "--embedded", "--json"],
            Lab.DefaultLimit);
        outcome.MustSay(5, "capability-missing");
        await counter.MustCountAsync();
    }

    [Fact]
    public async Task Too_small_a_budget_is_wrong_usage()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        await MustFailUnharmedAsync(lab, 2, "memory-too-small", "--memory", "1M");
    }

    [Fact]
    public async Task A_snapshot_that_is_not_there_is_named()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        (await lab.CheckpointerAsync("restore", "0123456789abcdef", "--embedded", "--json")).MustSay(4, "snapshot-not-found");
        (await lab.CheckpointerAsync("restore", "--latest", "nobody", "--embedded", "--json")).MustSay(4, "snapshot-not-found");
    }

    /// <summary>The checkpoint fails with this code, and the workload counts on with no stop, no tracer and sound memory.</summary>
    private static async Task<Outcome> MustFailUnharmedAsync(Lab lab, int exitCode, string code, params string[] more)
    {
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        string[] arguments = ["checkpoint", "--pid", counter.Pid.ToString(CultureInfo.InvariantCulture), "--embedded", "--json", .. more];
        var outcome = await lab.CheckpointerAsync(arguments);
        outcome.MustSay(exitCode, code);
        // Where nobody came to look at the workload, nothing is said of it.
        Assert.NotEqual(System.Text.Json.JsonValueKind.False, outcome.Json.GetProperty("error").GetProperty("workloadRunning").ValueKind);
        await counter.MustCountAsync();
        await counter.VerifyAsync();
        counter.MustHaveCountedWithoutGap();
        Assert.All(Processes.TreeOf(counter.Pid), pid => Assert.Equal(0, Processes.TracerOf(pid)));
        return outcome;
    }
}
