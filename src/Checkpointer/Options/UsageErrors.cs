using System.CommandLine;
using System.CommandLine.Parsing;

namespace Checkpointer.Cli;

/// <summary>Turns what the parser found into one line that names the option and shows a right value.</summary>
internal static class UsageErrors
{
    /// <summary>Typing errors to look past when a similar name is offered.</summary>
    private const int MaxTypos = 2;

    /// <summary><c>--name=</c>: the parser would take the next word as the value.</summary>
    public static UsageException? EmptyValue(IReadOnlyList<string> arguments)
    {
        var found = arguments
            .TakeWhile(argument => argument != "--")
            .FirstOrDefault(
                argument => argument.StartsWith("--", StringComparison.Ordinal) && argument.IndexOf('=') == argument.Length - 1);
        return found is null ? null : new UsageException(
            "usage", $"{found[..^1]}: the value behind '=' is empty", "Write a value, or leave the option out.");
    }

    /// <summary>The first error of a parse, or null when there is none.</summary>
    public static UsageException? Find(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var line = LineOf(command);
        var help = $"See '{line} --help'.";

        if (TakenForArgument(parse) is { } taken)
        {
            return Unmatched(taken, command, line, help);
        }

        // An option that swallowed the next one leaves words over: its own error says what is wrong, the left-over word does not.
        // A word where a verb belongs is a mistyped verb, and the options behind it are that verb's.
        var unknown = parse.UnmatchedTokens.FirstOrDefault(token => IsOption(token) || TakesVerb(command)) ?? parse.UnmatchedTokens.FirstOrDefault();
        var error = parse.Errors.FirstOrDefault(e => IsAboutOption(e.SymbolResult));
        if (unknown is not null && (IsOption(unknown) || error is null))
        {
            return Unmatched(unknown, command, line, help);
        }

        if (parse.Errors.Count == 0)
        {
            return null;
        }

        // Errors about a given value say more than "a command is missing", which the parser puts first.
        error ??= parse.Errors.FirstOrDefault(e => e.SymbolResult is ArgumentResult) ?? parse.Errors[0];
        return new UsageException("usage", Describe(error, line), help);
    }

    /// <summary>How a command is called: <c>checkpointer node show</c>.</summary>
    public static string LineOf(Command command)
    {
        var names = new List<string>();
        for (Command? at = command; at is not null; at = at.Parents.OfType<Command>().FirstOrDefault())
        {
            names.Add(at is RootCommand ? CommandTree.Name : at.Name);
        }

        names.Reverse();
        return string.Join(' ', names);
    }

    /// <summary>A mistyped option that the parser took for the value of an argument. What stands behind <c>--</c> is meant as it is.</summary>
    private static string? TakenForArgument(ParseResult parse)
    {
        if (parse.CommandResult.Command.Hidden)
        {
            return null;
        }

        var meant = parse.Tokens.SkipWhile(static token => token.Type != TokenType.DoubleDash).Select(static token => token.Value).ToHashSet(StringComparer.Ordinal);
        return parse.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(static argument => argument.Tokens)
            .Select(static token => token.Value)
            .FirstOrDefault(value => IsOption(value) && !meant.Contains(value));
    }

    private static string Describe(ParseError error, string line) => error.SymbolResult switch
    {
        OptionResult { Option: var option } result when !IsOurs(error, option) => result.Tokens.Count > 1
            ? $"{option.Name} is given {result.IdentifierTokenCount} times; give it once, for example {ExampleOf(option)}"
            : $"{option.Name} needs a value; for example {ExampleOf(option)}",
        ArgumentResult { Argument: var argument } result when result.Tokens.Count == 0 && result.Parent is not OptionResult
            => $"'{line}' needs {argument.HelpName ?? argument.Name}",
        CommandResult when error.Message.Contains("command was not provided", StringComparison.Ordinal) => $"'{line}' needs a verb",
        _ => error.Message,
    };

    /// <summary>Our own parsers start with the option's name; the parser's own messages do not.</summary>
    private static bool IsOurs(ParseError error, Option option) => error.Message.StartsWith(option.Name, StringComparison.Ordinal);

    private static bool IsOption(string token) => token.StartsWith('-') && token.Length > 1;

    private static bool TakesVerb(Command command) => command.Arguments.Count == 0 && command.Subcommands.Any(sub => !sub.Hidden);

    private static bool IsAboutOption(SymbolResult? result) => result is OptionResult or ArgumentResult { Parent: OptionResult };

    private static string ExampleOf(Option option) => option is IExampleOption known ? known.Example : option.Name;

    private static UsageException Unmatched(string token, Command command, string line, string help)
    {
        if (IsOption(token))
        {
            var name = token.Split('=', 2)[0];
            var options = OptionsOf(command).Where(o => !o.Hidden).Select(o => o.Name);
            return new UsageException(
                "usage",
                $"unknown option {name} for '{line}'",
                Similar(name, options) is { } option ? $"Did you mean {option}? {help}" : help);
        }

        if (TakesVerb(command))
        {
            var verbs = command.Subcommands.Where(sub => !sub.Hidden).Select(sub => sub.Name);
            return new UsageException(
                "usage", $"unknown verb '{token}'", Similar(token, verbs) is { } verb ? $"Did you mean '{verb}'? {help}" : help);
        }

        return new UsageException("usage", $"unexpected argument '{token}' for '{line}'", help);
    }

    private static IEnumerable<Option> OptionsOf(Command command)
    {
        for (Command? at = command; at is not null; at = at.Parents.OfType<Command>().FirstOrDefault())
        {
            foreach (var option in at.Options.Where(option => at == command || option.Recursive))
            {
                yield return option;
            }
        }
    }

    private static string? Similar(string text, IEnumerable<string> names)
    {
        var best = names.Select(name => (Name: name, Typos: Distance(text, name))).OrderBy(pair => pair.Typos).FirstOrDefault();
        return best.Name is not null && best.Typos <= MaxTypos ? best.Name : null;
    }

    /// <summary>Levenshtein's edit distance.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
