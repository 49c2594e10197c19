using System.Text.Json;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Errors;

public sealed class ErrorTests
{
    [Theory]
    [InlineData("usage", 2, "error: there is no process 4711|remedy: Look the pid up again.")]
    [InlineData(
        "refused",
        3,
        "error: pid 4711 cannot be checkpointed"
        + "|  blocker: fd 7 of pid 4711: an io_uring instance (io-uring)|    needed: none|    remedy: Run it without io_uring."
        + "|  overridable: fd 1 of pid 4711: a pipe to pid 12 (outside-pipe)|    needed: a file|    remedy: Redirect it."
        + "|  note: vm.overcommit_memory: 0 (overcommit)|    needed: 1|    remedy: Set it to 1."
        + "|remedy: Mend what the blockers say; --force does not lift them.|state: the workload was not touched and runs on; no snapshot "
        + "was made")]
    [InlineData(
        "repository",
        4,
        "error: the key file does not open this repository|remedy: Name the right one with --key-file.|state: the workload was not "
            + "touched and runs on; no snapshot was made")]
    [InlineData(
        "host",
        5,
        "error: no CRIU was found|remedy: Install CRIU 4.2 or newer.|state: nothing was touched; no snapshot was made")]
    [InlineData(
        "failed",
        1,
        "error: CRIU could not dump: Can't dump task|remedy: Look at the log.|state: the workload runs; no snapshot was made|log: "
            + "/run/checkpointer/01jdk3v8q2m4x7ya/dump.log")]
    [InlineData("durable", 1, "error: the workload could not be ended|state: the workload runs; the snapshot is durable")]
    [InlineData(
        "attention",
        6,
        "ATTENTION: the workload could not be thawed|remedy: Look at pid 4711 now.|state: whether the workload runs is not known: look "
            + "at it before you go on; no snapshot was made")]
    [InlineData("cancelled", 130, "error: the checkpoint was cancelled|state: the workload runs; no snapshot was made")]
    [InlineData(
        "platform", 1, "error: openat failed: Too many open files|remedy: Raise the limit.|state: the workload runs; no snapshot was made")]
    [InlineData("token", 130, "error: The operation was cancelled|state: the workload runs; no snapshot was made")]
    [InlineData(
        "denied",
        5,
        "error: Access to the path '/root/x' is denied|remedy: Run it as root, for example with sudo, or name files of your "
            + "own.|state: nothing was touched; no snapshot was made")]
    [InlineData(
        "defect",
        1,
        "error: InvalidOperationException: this should not happen"
        + "|remedy: This is a defect of checkpointer: report it to its maintainers with the output of the same command under "
        + "CHECKPOINTER_DEBUG=1."
        + "|state: whether the workload runs is not known: look at it before you go on; whether a snapshot was made is not known: "
        + "'checkpointer list' shows it")]
    public async Task Each_error_has_its_lines_and_its_exit_code(string name, int code, string lines)
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw Samples.Error(name);
        Assert.Equal(code, await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x"));
        Assert.Equal(lines.Split('|'), cli.ErrLines);
        Assert.Equal("", cli.Out);
        Assert.True(cli.Embedded.Disposed);
    }

    [Theory]
    [InlineData("usage", "pid-not-found", false, false, null)]
    [InlineData("refused", "refused", true, false, null)]
    [InlineData("repository", "wrong-key", true, false, null)]
    [InlineData("host", "no-criu", null, false, null)]
    [InlineData("failed", "dump-failed", true, false, "/run/checkpointer/01jdk3v8q2m4x7ya/dump.log")]
    [InlineData("durable", "end-failed", true, true, null)]
    [InlineData("attention", "thaw-failed", null, false, null)]
    [InlineData("cancelled", "cancelled", true, false, null)]
    [InlineData("platform", "syscall-failed", true, false, null)]
    [InlineData("token", "cancelled", true, false, null)]
    [InlineData("denied", "no-permission", null, false, null)]
    [InlineData("defect", "internal-error", null, null, null)]
    public async Task Each_error_is_an_object_with_json(string name, string code, bool? running, bool? durable, string? log)
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw Samples.Error(name);
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x", "--json");

        var error = cli.Json().GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEqual("", error.GetProperty("message").GetString());
        Assert.Contains(error.GetProperty("remedy").ValueKind, new[] { JsonValueKind.String, JsonValueKind.Null });
        var workloadRunning = error.GetProperty("workloadRunning");
        Assert.Equal(running, workloadRunning.ValueKind == JsonValueKind.Null ? null : workloadRunning.GetBoolean());
        var snapshotDurable = error.GetProperty("snapshotDurable");
        Assert.Equal(durable, snapshotDurable.ValueKind == JsonValueKind.Null ? null : snapshotDurable.GetBoolean());
        Assert.Equal(log, error.GetProperty("logFile").GetString());
    }

    [Theory]
    [InlineData("service-lost")]
    [InlineData("service-silent")]
    public async Task Of_a_service_that_is_lost_nobody_claims_that_no_snapshot_was_made(string code)
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw new AttentionException(code, "the service went away", "Start it again.")
        {
            Workload = WorkloadState.Unknown,
            SnapshotDurable = null,
        };
        Assert.Equal(6, await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x"));
        Assert.Equal(
            "state: whether the workload runs is not known: look at it before you go on; whether a snapshot was made is not known: "
                + "'checkpointer list' shows it",
            cli.ErrLines[^1]);
    }

    [Fact]
    public async Task A_restore_tells_what_is_left_of_the_restored_workload()
    {
        using var cli = new TestCli();
        cli.Embedded.OnRestore = (_, _, _) => throw new OperationFailedException("restore-failed", "CRIU could not restore")
        {
            Workload = WorkloadState.Gone,
        };
        Assert.Equal(1, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x"));
        Assert.Equal(
            ["error: CRIU could not restore", "state: nothing of the restored workload runs; the snapshot is untouched"], cli.ErrLines);
    }

    [Fact]
    public async Task A_verb_without_a_workload_says_nothing_about_one()
    {
        using var cli = new TestCli();
        Assert.Equal(4, await cli.RunAsync("list", "--repo", "/nonexistent/repository", "--key-file", "/nonexistent/key", "--json"));
        Assert.Equal(JsonValueKind.Null, cli.Json().GetProperty("error").GetProperty("workloadRunning").ValueKind);
        Assert.DoesNotContain("state:", cli.Err, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--key-file", "the key file {0} cannot be used: it is a directory")]
    [InlineData("--passphrase-file", "the passphrase in {0} cannot be used: it is a directory")]
    public async Task A_directory_in_place_of_a_key_is_an_error_of_the_repository(string option, string message)
    {
        await using var repository = await TestRepository.CreateAsync();
        using var directory = new TempDirectory();
        using var cli = new TestCli();
        Assert.Equal(4, await cli.RunAsync("list", "--repo", repository.Path, option, directory.Path));
        Assert.Equal("error: " + string.Format(System.Globalization.CultureInfo.InvariantCulture, message, directory.Path), cli.ErrLines[0]);
        Assert.DoesNotContain("root", cli.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_that_can_be_overridden_says_so()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw new RefusedException(
            "outside-pipe", "pid 4711 cannot be checkpointed", "Redirect it.")
        {
            Findings = [Samples.Note, Samples.Overridable],
        };
        Assert.Equal(3, await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x"));
        Assert.Contains("remedy: Mend what the findings say, or go on in spite of them with --force.", cli.ErrLines);
    }

    [Fact]
    public async Task A_stack_trace_is_shown_only_when_asked_for()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw Samples.Error("defect");
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x");
        Assert.DoesNotContain("   at ", cli.Err, StringComparison.Ordinal);

        cli.Environment["CHECKPOINTER_DEBUG"] = "1";
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x");
        Assert.Contains("   at ", cli.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_of_a_workload_do_not_reach_the_terminal()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw new OperationFailedException("x", "process \u001b[2Jevil\nerror: fake");
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x");
        Assert.Equal("error: process  [2Jevil error: fake", cli.ErrLines[0]);
    }

    [Fact]
    public async Task Quiet_does_not_hide_errors()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw Samples.Error("attention");
        Assert.Equal(6, await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x", "--quiet"));
        Assert.StartsWith("ATTENTION: ", cli.Err, StringComparison.Ordinal);
    }
}
