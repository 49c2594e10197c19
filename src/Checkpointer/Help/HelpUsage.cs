using System.CommandLine;

namespace Checkpointer.Cli.Help;

/// <summary>The usage lines of a verb and the labels of its options.</summary>
internal static class HelpUsage
{
    public static IEnumerable<string> Lines(Verb verb)
    {
        var line = UsageErrors.LineOf(verb);
        var parts = new List<string> { line };
        parts.AddRange(verb.Arguments.Select(argument => argument.Arity.MinimumNumberOfValues == 0
            ? $"[{argument.HelpName ?? argument.Name}]"
            : argument.HelpName ?? argument.Name));
        parts.AddRange(verb.Options.Where(option => !option.Hidden).Select(Part));
        yield return string.Join(' ', parts);

        foreach (var sub in verb.Subcommands.Where(sub => !sub.Hidden))
        {
            yield return $"{line} {sub.Name}";
        }
    }

    /// <summary>For example <c>--memory SIZE</c> or <c>-h, --help</c>.</summary>
    public static string Label(Option option)
    {
        var aliases = string.Concat(option.Aliases.Where(alias => alias != option.Name).Select(alias => alias + ", "));
        return aliases + option.Name + (TakesValue(option) ? $" {option.HelpName}" : "");
    }

    private static string Part(Option option)
    {
        var text = option.Name + (TakesValue(option) ? $" {option.HelpName}" : "");
        var repeats = option.Arity.MaximumNumberOfValues > 1 ? "..." : "";

        // A space that does not break keeps option and value on one line; TextWrap turns it back.
        return $"[{text}]{repeats}".Replace(' ', TextWrap.NoBreak);
    }

    private static bool TakesValue(Option option) => option.Arity.MaximumNumberOfValues > 0;
}
