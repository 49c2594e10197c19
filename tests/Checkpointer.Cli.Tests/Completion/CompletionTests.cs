using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Tests.Support;
using CliWrap;
using CliWrap.Buffered;

namespace Checkpointer.Cli.Tests.Completion;

public sealed class CompletionTests
{
    [Theory]
    [InlineData("ch", "check checkpoint")]
    [InlineData("checkpoint --m", "--max-frozen --memory")]
    [InlineData("restore --std", "--stderr --stdin --stdout")]
    [InlineData("completion ", "bash fish zsh")]
    [InlineData("node ", "show")]
    [InlineData("node --c", "--config")]
    [InlineData("containers --r", "--repo --runtime-endpoint")]
    [InlineData("cont", "containers")]
    [InlineData("--repo /srv/x li", "list")]
    [InlineData("checkpoint --pid ", "")]
    [InlineData("restore --stdin ", "")]
    [InlineData("restore --stdin=", "")]
    [InlineData("checkpoint --criu-option tcp", "tcp-established=no tcp-established=yes")]
    [InlineData("checkpoint --criu-option=ghost", "--criu-option=ghost-limit=")]
    [InlineData("he", "")]
    [InlineData("comp", "completion")]
    public void Words_are_completed(string typed, string expected)
    {
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), Words(typed).Order());
    }

    [Fact]
    public void Nothing_typed_offers_every_verb()
    {
        var tree = new CommandTree(_ => null);
        Assert.Equal(tree.Verbs.Select(verb => verb.Name).Order(), Words("").Order());
    }

    [Fact]
    public void Each_verb_and_option_has_its_description()
    {
        Assert.All(Completer.Complete(new CommandTree(_ => null), [""]), candidate => Assert.NotEqual("", candidate.Description));
        Assert.All(
            Completer.Complete(new CommandTree(_ => null), ["restore", "--"]), candidate => Assert.NotEqual("", candidate.Description));
    }

    [Fact]
    public async Task Snapshots_and_names_come_from_the_repository()
    {
        await using var repository = await TestRepository.CreateAsync();
        var first = await repository.AddAsync("training", DateTimeOffset.UnixEpoch);
        var second = await repository.AddAsync("inference", DateTimeOffset.UnixEpoch.AddDays(1));
        await repository.AddAsync(null, DateTimeOffset.UnixEpoch.AddDays(2));
        var environment = new Dictionary<string, string>
        {
            ["CHECKPOINTER_REPO"] = repository.Path,
            ["CHECKPOINTER_KEY_FILE"] = repository.KeyFile,
        };

        Assert.Equal([first.ToString()], Words($"restore {first.ToString()[..6]}", environment));
        Assert.Contains(second.ToString(), Words("show ", environment));
        Assert.Equal(3, Words("delete ", environment).Count());
        Assert.Equal(["inference", "training"], Words("restore --latest ", environment).Order());
        Assert.Equal(["training"], Words("restore --latest tr", environment));
        Assert.Equal(["--latest=training"], Words("restore --latest=tr", environment));
        Assert.Equal(["training"], Completer.Complete(Tree(environment), ["restore", "--latest", "=", "tr"]).Select(c => c.Word));

        // The line wins over the environment.
        environment.Clear();
        Assert.Equal(
            [first.ToString()],
            Words($"--repo {repository.Path} --key-file {repository.KeyFile} show {first.ToString()[..6]}", environment));
    }

    [Fact]
    public void A_repository_that_cannot_be_read_offers_nothing()
    {
        Assert.Empty(Words("--repo /nonexistent --key-file /nonexistent show "));
    }

    [Theory]
    [InlineData("bash", "checkpoint")]
    [InlineData("zsh", "checkpoint:Snapshot a running process tree into the repository.")]
    [InlineData("fish", "checkpoint\tSnapshot a running process tree into the repository.")]
    public async Task Each_shell_gets_its_own_form(string shell, string line)
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("complete", shell, "--", "checkp"));
        Assert.Equal([line], cli.OutLines);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task A_script_is_in_its_shells_grammar(string shell)
    {
        Assert.SkipUnless(await InstalledAsync(shell), $"{shell} is not installed");
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("completion", shell));
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory["script"], cli.Out, TestContext.Current.CancellationToken);
        var option = shell == "fish" ? "--no-execute" : "-n";
        var result = await CliWrap.Cli.Wrap(shell).WithArguments([option, directory["script"]])
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
        Assert.True(result.ExitCode == 0, result.StandardError);
    }

    [Fact]
    public async Task The_bash_script_asks_the_program_and_takes_its_answer()
    {
        Assert.SkipUnless(await InstalledAsync("bash"), "bash is not installed");
        using var cli = new TestCli();
        await cli.RunAsync("completion", "bash");
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory["script"], cli.Out, TestContext.Current.CancellationToken);
        const string Test = """
            checkpointer() { printf '%s\n' "$@" > "$1.args"; printf 'two words\nplain\n'; }
            cd "$1"; source ./script
            COMP_WORDS=(checkpointer restore --latest = tr more); COMP_CWORD=4
            _checkpointer
            printf '<%s>\n' "${COMPREPLY[@]}"; cat complete.args
            """;
        var result = await CliWrap.Cli.Wrap("bash").WithArguments(["-c", Test, "bash", directory.Path]).ExecuteBufferedAsync();
        Assert.Equal("<two\\ words>\n<plain>\ncomplete\nbash\n--\nrestore\n--latest\n=\ntr\n", result.StandardOutput);
    }

    private static IEnumerable<string> Words(string typed, Dictionary<string, string>? environment = null)
    {
        return Completer.Complete(Tree(environment ?? []), typed.Split(' ')).Select(candidate => candidate.Word);
    }

    private static CommandTree Tree(Dictionary<string, string> environment) => new(name => environment.GetValueOrDefault(name));

    private static async Task<bool> InstalledAsync(string shell)
    {
        var result = await CliWrap.Cli.Wrap("/bin/sh").WithArguments(["-c", $"command -v {shell}"])
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
        return result.ExitCode == 0;
    }
}
