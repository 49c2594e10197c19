using Checkpointer.Cli.Running;
using Checkpointer.Cli.Tests.Support;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Tests.Running;

public sealed class RunnerChoiceTests
{
    [Fact]
    public async Task A_listening_service_does_the_work()
    {
        using var cli = new TestCli();
        cli.Services.Add("/run/checkpointer/checkpointer.sock");
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x"));
        Assert.Single(cli.Service.Checkpoints);
        Assert.Empty(cli.Embedded.Checkpoints);
        Assert.True(cli.Service.Disposed);
    }

    [Fact]
    public async Task Without_a_service_the_engine_works_in_this_process()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x"));
        Assert.Single(cli.Embedded.Checkpoints);
    }

    [Fact]
    public async Task Embedded_is_stronger_than_a_listening_service()
    {
        using var cli = new TestCli();
        cli.Services.Add(Settings.DefaultSocket);
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--embedded");
        Assert.Single(cli.Embedded.Checkpoints);
        Assert.Empty(cli.Service.Checkpoints);
    }

    [Fact]
    public async Task A_named_socket_without_a_service_is_an_error_and_not_a_reason_to_do_without()
    {
        using var cli = new TestCli();
        Assert.Equal(5, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--socket", "/run/other.sock"));
        Assert.Equal("error: no service listens on /run/other.sock", cli.ErrLines[0]);
        Assert.Empty(cli.Embedded.Checkpoints);

        cli.Environment["CHECKPOINTER_SOCKET"] = "/run/other.sock";
        Assert.Equal(5, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x"));
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--embedded"));
    }

    [Fact]
    public async Task The_service_is_told_only_what_a_person_named()
    {
        using var cli = new TestCli();
        cli.Services.Add(Settings.DefaultSocket);
        await cli.RunAsync("checkpoint", "--pid", "1");
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "main", "--key-file", "/k");
        Assert.Equal([("", ""), ("main", "/k")], cli.Service.Checkpoints.Select(c => (c.Repository, c.KeyFile)));
    }

    [Theory]
    [InlineData("CHECKPOINTER_KEY_FILE", true, "")]
    [InlineData("CHECKPOINTER_PASSPHRASE_FILE", true, "")]
    [InlineData("CHECKPOINTER_KEY_FILE", false, "/env/key")]
    [InlineData("CHECKPOINTER_PASSPHRASE_FILE", false, "passphrase-file:/env/key")]
    public async Task A_key_variable_counts_where_the_service_has_no_keys_of_its_own(string variable, bool configured, string told)
    {
        using var cli = new TestCli { Service = new ScriptedRunner { HasRepositories = true, CanInherit = false, HasKeys = configured } };
        cli.Services.Add(Settings.DefaultSocket);
        cli.Environment[variable] = "/env/key";

        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "second");
        await cli.RunAsync("restore", "3f9c", "--repo", "second");
        await cli.RunAsync("preflight", "3f9c", "--repo", "second");
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "second", "--key-file", "/k");

        Assert.Equal([told, "/k"], cli.Service.Checkpoints.Select(c => c.KeyFile));
        Assert.Equal(told, Assert.Single(cli.Service.Restores).KeyFile);
        Assert.Equal(told, Assert.Single(cli.Service.Preflights).KeyFile);
    }

    [Fact]
    public async Task The_embedded_engine_recovers_first_and_says_what_it_found()
    {
        var engine = new ScriptedEngine
        {
            Recovery = new RecoveryReport
            {
                Operations =
                [
                    Recovered("01old", "rolled-back", "the workload runs on"),
                    Recovered("02old", "attention", "pid 9 is stopped"),
                ],
            },
        };
        var err = new StringWriter();
        using var interrupts = new Interrupts();
        using var host = new CliHost
        {
            Out = new StringWriter(),
            Err = err,
            Environment = _ => null,
            IsRoot = () => true,
            Interrupts = interrupts,
            ServiceAnswers = _ => false,
            Embedded = (_, _) => new EmbeddedRunner(engine, TimeProvider.System),
        };
        Assert.Equal(0, await CommandLine.RunAsync(["checkpoint", "--pid", "1", "--repo", "/srv/x", "--quiet"], host));
        Assert.Equal(["recover", "checkpoint"], engine.Calls);
        Assert.Equal(
            "recovered checkpoint 01old (was in phase dump): the workload runs on\n"
            + "ATTENTION: recovered checkpoint 02old (was in phase dump): pid 9 is stopped\n",
            err.ToString());
    }

    private static RecoveredOperation Recovered(string operation, string outcome, string message) => new()
    {
        Operation = operation,
        Kind = "checkpoint",
        Phase = "dump",
        Outcome = outcome,
        Message = message,
    };

    [Fact]
    public async Task Operations_need_a_service()
    {
        using var cli = new TestCli();
        Assert.Equal(5, await cli.RunAsync("operations"));
        Assert.Equal("error: no service listens on /run/checkpointer/checkpointer.sock", cli.ErrLines[0]);
    }
}
