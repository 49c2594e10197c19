using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Checkpointer.Cli.Tests.Help;

/// <summary>docs/cli.md must tell of everything that there is, and of nothing else.</summary>
public sealed class ReferenceTests
{
    [Fact]
    public void Every_verb_and_option_is_in_the_reference()
    {
        var tree = new CommandTree(_ => null);
        var text = File.ReadAllText(Reference());
        foreach (var verb in tree.Verbs)
        {
            var section = Section(text, verb.Name);
            Assert.Contains($"    checkpointer {verb.Name}", section, StringComparison.Ordinal);
            Assert.All(verb.Options, option => Assert.Contains($"`{option.Name}", section, StringComparison.Ordinal));
            Assert.All(
                (verb.Page.Json ?? "").Split([' ', ',', ';', '(', ')'], StringSplitOptions.RemoveEmptyEntries).Where(IsField),
                field => Assert.Contains($"`{field}`", text, StringComparison.Ordinal));
        }

        Assert.All(tree.Globals.All, option => Assert.Contains($"`{option.Name}", text, StringComparison.Ordinal));
        Assert.All(
            Enum.GetValues<ExitCode>(),
            code => Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"| {(int)code} |"), text, StringComparison.Ordinal));
    }

    [Fact]
    public void The_reference_tells_of_no_verb_that_is_not_there()
    {
        var names = new CommandTree(_ => null).Verbs.Select(verb => verb.Name).Append("In common").ToHashSet();
        var headings = File.ReadLines(Reference())
            .Where(line => line.StartsWith("## ", StringComparison.Ordinal))
            .Select(line => line[3..]);
        Assert.All(headings, heading => Assert.Contains(heading, names));
    }

    /// <summary>Field names have a capital inside; the other words of the JSON lines are prose.</summary>
    private static bool IsField(string word) => word.Skip(1).Any(char.IsUpper) && word.All(char.IsLetter) && char.IsLower(word[0]);

    private static string Section(string text, string heading)
    {
        var start = text.IndexOf($"\n## {heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"no section for {heading}");
        var end = text.IndexOf("\n## ", start + 4, StringComparison.Ordinal);
        return end < 0 ? text[start..] : text[start..end];
    }

    private static string Reference([CallerFilePath] string path = "") =>
        Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "..", "docs", "cli.md");
}
