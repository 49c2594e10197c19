using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Checkpointer.Cli;

/// <summary>The kinds of values that options take. Each wrong value is told in one line with an example of a right one.</summary>
internal static class OptionKinds
{
    public static Option<bool> Flag(string name, string description, bool recursive = false, string? alias = null)
    {
        var option = alias is null ? new Option<bool>(name) : new Option<bool>(name, alias);
        option.Description = description;
        option.Recursive = recursive;
        option.Arity = ArgumentArity.Zero;
        return option;
    }

    public static Option<string> Text(string name, string placeholder, string description, string example, bool recursive = false)
    {
        return new ValueOption<string>(name, example)
        {
            HelpName = placeholder,
            Description = description,
            Recursive = recursive,
            CustomParser = result => Parsed(result, example, Plain),
        };
    }

    /// <summary>Texts, one for each time that the option is given.</summary>
    public static Option<string[]> Texts(string name, string placeholder, string description, string example)
    {
        return new ValueOption<string[]>(name, example)
        {
            HelpName = placeholder,
            Description = description,
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result =>
            {
                if (result.Tokens.Any(token => token.Value.Length == 0))
                {
                    result.AddError($"{name}: the value is empty; for example {example}");
                }

                return [.. result.Tokens.Select(token => token.Value)];
            },
        };
    }

    /// <summary>A process id.</summary>
    public static Option<int?> Pid(string description)
    {
        const string Example = "--pid 4711";
        return new ValueOption<int?>("--pid", Example)
        {
            HelpName = "N",
            Description = description,
            CustomParser = result => Parsed<int?>(
                result,
                Example,
                static text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0
                    ? pid
                    : throw new FormatException($"'{text}' is not a process id")),
        };
    }

    /// <summary>Bytes, as <see cref="ByteSize"/> reads them.</summary>
    public static Option<long?> Size(string name, string description, string example)
    {
        return new ValueOption<long?>(name, example)
        {
            HelpName = "SIZE",
            Description = description,
            CustomParser = result => Parsed<long?>(result, example, static text => ByteSize.Parse(text)),
        };
    }

    /// <summary>A time span above zero, as <see cref="Durations"/> reads it.</summary>
    public static Option<TimeSpan?> Duration(string name, string description, string example)
    {
        return new ValueOption<TimeSpan?>(name, example)
        {
            HelpName = "T",
            Description = description,
            CustomParser = result => Parsed<TimeSpan?>(
                result,
                example,
                static text => Durations.Parse(text) is var span && span > TimeSpan.Zero
                    ? span
                    : throw new FormatException($"'{text}' is no time at all")),
        };
    }

    /// <summary>A time span that may be zero.</summary>
    public static Option<TimeSpan?> Age(string name, string description, string example)
    {
        return new ValueOption<TimeSpan?>(name, example)
        {
            HelpName = "AGE",
            Description = description,
            CustomParser = result => Parsed<TimeSpan?>(result, example, static text => Durations.Parse(text)),
        };
    }

    /// <summary>A whole number of at least one.</summary>
    public static Option<int?> Count(string name, string description, string example)
    {
        return new ValueOption<int?>(name, example)
        {
            HelpName = "N",
            Description = description,
            CustomParser = result => Parsed<int?>(
                result,
                example,
                static text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
                    ? count
                    : throw new FormatException($"'{text}' is not a number of at least 1")),
        };
    }

    /// <summary>A percentage above zero, up to <paramref name="max"/>.</summary>
    public static Option<double?> Percent(string name, double max, string description, string example)
    {
        return new ValueOption<double?>(name, example)
        {
            HelpName = "PERCENT",
            Description = description,
            CustomParser = result => Parsed<double?>(
                result,
                example,
                text => double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
                    && percent > 0 && percent <= max
                        ? percent
                        : throw new FormatException(
                            string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a percentage above 0, up to {max}"))),
        };
    }

    /// <summary><c>KEY=VALUE</c> pairs; a key may be given once.</summary>
    public static Option<Dictionary<string, string>> Pairs(string name, string description, string example, string placeholder = "KEY=VALUE")
    {
        return new ValueOption<Dictionary<string, string>>(name, example)
        {
            HelpName = placeholder,
            Description = description,
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result => ParsePairs(result, name, example, placeholder),
        };
    }

    private static string Plain(string text)
    {
        if (text.Length == 0)
        {
            throw new FormatException("the value is empty");
        }

        // A forgotten value makes the parser take the next option for it.
        return !text.StartsWith("--", StringComparison.Ordinal)
            ? text
            : throw new FormatException($"'{text}' is an option and not a value");
    }

    private static T? Parsed<T>(ArgumentResult result, string example, Func<string, T> parse)
    {
        try
        {
            return parse(result.Tokens[^1].Value);
        }
        catch (Exception e) when (e is UsageException or FormatException)
        {
            var name = result.Parent is OptionResult parent ? parent.Option.Name : result.Argument.Name;
            result.AddError($"{name}: {e.Message.TrimEnd('.')}; for example {example}");
            return default;
        }
    }

    private static Dictionary<string, string> ParsePairs(ArgumentResult result, string name, string example, string placeholder)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var token in result.Tokens)
        {
            var cut = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (cut <= 0)
            {
                result.AddError($"{name}: '{token.Value}' is not {placeholder}; for example {example}");
            }
            else if (!pairs.TryAdd(token.Value[..cut], token.Value[(cut + 1)..]))
            {
                result.AddError($"{name}: the key '{token.Value[..cut]}' is given twice; give each key once");
            }
        }

        return pairs;
    }
}
