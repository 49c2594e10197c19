using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>Pids that name nothing that can be checkpointed.</summary>
public sealed class BadProcessTests
{
    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("abc")]
    [InlineData("99999999999")]
    public async Task Text_that_is_no_pid_is_wrong_usage(string pid)
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var outcome = await lab.CheckpointerAsync("checkpoint", $"--pid={pid}", "--embedded", "--json");
        outcome.MustExit(2);
    }

    [Fact]
    public async Task A_dead_pid_is_refused()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "short.out"), "sleep", "0");
        await Eventually.TrueAsync("the end of sleep", TimeSpan.FromSeconds(60), () => Processes.State(pid) is null);
        var outcome = await CheckpointAsync(lab, pid);
        outcome.MustSay(2, "pid-not-found");
        Assert.Equal(System.Text.Json.JsonValueKind.False, outcome.Json.GetProperty("error").GetProperty("workloadRunning").ValueKind);
    }

    [Fact]
    public async Task A_zombie_is_refused()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        // Unlike a shell it never asks for its child.
        var parent = await lab.StartAsync(Path.Combine(lab.Directory, "zombie.out"), "python3", "-c", "import os, time; os.fork() or os._exit(0); time.sleep(60)");
        var zombie = 0;
        await Eventually.TrueAsync("the program, instead of the shell that started it", TimeSpan.FromSeconds(60), () => IsPython(parent));
        await Eventually.TrueAsync(
            "a zombie", TimeSpan.FromSeconds(60), () => (zombie = Processes.TreeOf(parent).FirstOrDefault(pid => Processes.State(pid) == 'Z')) != 0);
        (await CheckpointAsync(lab, zombie)).MustSay(2, "pid-is-zombie");
    }

    [Fact]
    public async Task A_kernel_thread_is_refused()
    {
        const int Kthreadd = 2;
        await using var lab = await Lab.CreateWithRepositoryAsync();
        if (Processes.State(Kthreadd) is null || Processes.CommandLine(Kthreadd).Length != 0)
        {
            Assert.Skip("no kernel thread is visible in this pid namespace");
        }

        (await CheckpointAsync(lab, Kthreadd)).MustSay(2, "pid-is-kernel-thread");
    }

    [Fact]
    public async Task An_ancestor_of_the_command_is_refused()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var outcome = await lab.RunAsync(
            "/bin/sh", ["-c", "\"$0\" checkpoint --pid $$ --embedded --json; exit $?", Installation.Checkpointer], Lab.DefaultLimit);
        outcome.MustSay(2, "pid-is-own-ancestor");
    }

    [Fact]
    public async Task An_ancestor_of_the_command_is_refused_by_the_service_too_and_runs_on()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var config = Path.Combine(lab.Directory, "node.json");
        await File.WriteAllTextAsync(
            config,
            $$"""{ "socket": "{{lab.Socket}}", "stateDirectory": "{{lab.StateDirectory}}", "runDirectory": "{{lab.RunDirectory}}" }""",
            TestContext.Current.CancellationToken);
        await lab.StartAsync(Path.Combine(lab.Directory, "node.out"), Installation.Checkpointer, "node", "--config", config);
        await Eventually.TrueAsync("the socket of the service", TimeSpan.FromSeconds(60), () => File.Exists(lab.Socket));

        foreach (var verb in (string[])["preflight --pid", "checkpoint --force --pid"])
        {
            var outcome = await lab.RunAsync("/bin/sh", ["-c", $"\"$0\" {verb} $$ --socket {lab.Socket} --json; exit $?", Installation.Checkpointer], Lab.DefaultLimit);
            outcome.MustSay(2, "pid-is-own-ancestor");
        }
    }

    [Fact]
    public async Task A_thread_is_refused_and_its_process_named()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "thread.out"), "python3", "-c", "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); time.sleep(600)");
        var thread = 0;
        await Eventually.TrueAsync(
            "a thread", TimeSpan.FromSeconds(60), () => (thread = Directory.GetDirectories($"/proc/{pid}/task").Select(Number).FirstOrDefault(t => t != pid)) != 0);

        var outcome = await CheckpointAsync(lab, thread);

        outcome.MustSay(2, "pid-is-thread");
        Assert.Contains(pid.ToString(CultureInfo.InvariantCulture), outcome.Json.GetProperty("error").GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.NotNull(Processes.State(pid));

        static int Number(string path) => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_file_to_include_that_is_not_there_is_told_before_anything_is_frozen()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "sleep.out"), "sleep", "60");
        var outcome = await lab.CheckpointerAsync(
            "checkpoint", "--pid", pid.ToString(CultureInfo.InvariantCulture), "--include", "/no/such/file", "--include", "/tmp", "--embedded", "--json");
        outcome.MustSay(2, "include-unusable");
        Assert.Equal("untouched", outcome.Json.GetProperty("error").GetProperty("workloadState").GetString());
        Assert.NotNull(Processes.State(pid));
    }

    /// <summary>What is called python3 may be a script that becomes it.</summary>
    private static bool IsPython(int pid) =>
        Path.GetFileName(Processes.CommandLine(pid).Split(' ')[0]).StartsWith("python3", StringComparison.Ordinal);

    private static Task<Outcome> CheckpointAsync(Lab lab, int pid) =>
        lab.CheckpointerAsync("checkpoint", "--pid", pid.ToString(CultureInfo.InvariantCulture), "--embedded", "--json");
}
