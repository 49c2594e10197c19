using System.CommandLine;
using System.Runtime.CompilerServices;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Help;

/// <summary>The help pages, word for word. To accept a change: CHECKPOINTER_UPDATE_GOLDEN=1, then read the diff.</summary>
public sealed class HelpTests
{
    public static TheoryData<string> Pages()
    {
        var pages = new TheoryData<string>();
        foreach (var line in Lines(new CommandTree(_ => null).Root, ""))
        {
            pages.Add(line);
        }

        return pages;
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task The_page_is_as_it_was_agreed(string verb)
    {
        var text = await PageAsync(verb);
        var file = Path.Combine(Folder(), $"help{(verb.Length > 0 ? "-" + verb.Replace(' ', '-') : "")}.txt");
        if (Environment.GetEnvironmentVariable("CHECKPOINTER_UPDATE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(file, text);
        }

        Assert.True(File.Exists(file), $"{file} is missing: CHECKPOINTER_UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(await File.ReadAllTextAsync(file), text);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Every_page_has_its_parts_and_fits_a_terminal(string verb)
    {
        var text = await PageAsync(verb);
        foreach (var part in new[] { "USAGE", "DESCRIPTION", "EXIT CODES" })
        {
            Assert.Contains($"\n{part}\n", text, StringComparison.Ordinal);
        }

        if (verb is not ("" or "version" or "completion"))
        {
            Assert.Contains("\nENVIRONMENT\n", text, StringComparison.Ordinal);
        }

        Assert.True(verb.Length == 0 || text.Contains("\nEXAMPLES\n", StringComparison.Ordinal), "no examples");

        // Commands are there to be copied and stay whole; they are indented by six.
        string[] commands = ["      checkpointer", "      scp"];
        var longest = text.Split('\n').Where(line => !commands.Any(command => line.StartsWith(command, StringComparison.Ordinal)));
        Assert.All(longest, line => Assert.True(line.Length <= 80, $"{line.Length} columns: {line}"));
        Assert.All(text.Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Every_option_of_a_verb_is_on_its_page(string verb)
    {
        var text = await PageAsync(verb);
        Command command = new CommandTree(_ => null).Root;
        foreach (var name in verb.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            command = command.Subcommands.Single(sub => sub.Name == name);
        }

        Assert.All(command.Options, option => Assert.Contains($"{option.Name}", text, StringComparison.Ordinal));
        Assert.All(command.Options, option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
    }

    [Fact]
    public async Task The_first_page_tells_three_steps_and_all_exit_codes()
    {
        var text = await PageAsync("");
        Assert.Contains("1. Make a repository", text, StringComparison.Ordinal);
        Assert.Contains("checkpointer checkpoint --pid 4711", text, StringComparison.Ordinal);
        Assert.Contains("checkpointer restore --latest", text, StringComparison.Ordinal);
        Assert.All(Enum.GetValues<ExitCode>(), code => Assert.Contains($"\n  {(int)code} ", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_is_shown_even_where_the_rest_is_wrong()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "abc", "--help"));
        Assert.StartsWith("checkpointer checkpoint - ", cli.Out, StringComparison.Ordinal);
        Assert.Equal("", cli.Err);
    }

    [Fact]
    public async Task Help_and_a_verb_is_the_verb_and_help()
    {
        using var cli = new TestCli();
        await cli.RunAsync("help", "node", "show");
        var first = cli.Out;
        await cli.RunAsync("node", "show", "-h");
        Assert.Equal(first, cli.Out);
    }

    private static async Task<string> PageAsync(string verb)
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]));
        return cli.Out;
    }

    private static IEnumerable<string> Lines(Command command, string line)
    {
        yield return line;
        foreach (var sub in command.Subcommands.Where(sub => !sub.Hidden))
        {
            foreach (var below in Lines(sub, $"{line} {sub.Name}".Trim()))
            {
                yield return below;
            }
        }
    }

    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "..", "Golden");
}
