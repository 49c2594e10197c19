using System.CommandLine;
using System.Globalization;

namespace Checkpointer.Cli.Help;

/// <summary>Writes a verb's page the way a manual page reads. Always 80 columns, so that it is the same everywhere.</summary>
internal static class HelpWriter
{
    private const int Width = 80;
    private const int Indent = 2;

    /// <summary>Where the explanations of options start.</summary>
    public const int OptionColumn = 26;

    /// <summary>Where the explanations of exit codes start.</summary>
    private const int ExitColumn = 7;

    /// <summary>Where the explanations of variables start.</summary>
    private const int VariableColumn = 26;

    private static readonly string[] AlwaysShown = ["--json", "--quiet", "--help"];

    public static void Write(Verb verb, GlobalOptions globals, TextWriter writer)
    {
        var line = UsageErrors.LineOf(verb);
        var page = verb.Page;
        TextWrap.Hanging(writer, $"{line} - {verb.Description}", 0, Indent, Width);
        Section(writer, "USAGE");
        foreach (var usage in HelpUsage.Lines(verb))
        {
            TextWrap.Hanging(writer, usage, Indent, Indent + line.Length + 1, Width);
        }

        Section(writer, "DESCRIPTION");
        Paragraphs(writer, page.Description);
        Arguments(writer, verb);
        Options(writer, "OPTIONS", verb.Options.Where(option => !option.Hidden));
        Verbs(writer, verb);
        Options(
            writer,
            "GLOBAL OPTIONS",
            globals.All.Where(o => page.Globals.Contains(o.Name) || (AlwaysShown.Contains(o.Name) && Applies(o, page))));
        if (page.Json is not null)
        {
            Section(writer, "JSON");
            TextWrap.Block(writer, page.Json, Indent, Width);
        }

        if (page.Examples.Count > 0)
        {
            Section(writer, "EXAMPLES");
            Examples(writer, page.Examples);
        }

        Section(writer, "EXIT CODES");
        foreach (var exit in page.ExitCodes)
        {
            ExitRow(writer, exit);
        }

        Variables(writer, page.Environment);
    }

    public static void Section(TextWriter writer, string title)
    {
        writer.WriteLine();
        writer.WriteLine(title);
    }

    public static void Paragraphs(TextWriter writer, IReadOnlyList<string> paragraphs)
    {
        for (var i = 0; i < paragraphs.Count; i++)
        {
            if (i > 0)
            {
                writer.WriteLine();
            }

            TextWrap.Block(writer, paragraphs[i], Indent, Width);
        }
    }

    public static void Options(TextWriter writer, string title, IEnumerable<Option> options)
    {
        var shown = options.ToList();
        if (shown.Count == 0)
        {
            return;
        }

        Section(writer, title);
        foreach (var option in shown)
        {
            Row(writer, HelpUsage.Label(option), option.Description ?? "", OptionColumn);
        }
    }

    public static void Examples(TextWriter writer, IReadOnlyList<HelpExample> examples)
    {
        for (var i = 0; i < examples.Count; i++)
        {
            if (i > 0)
            {
                writer.WriteLine();
            }

            TextWrap.Block(writer, examples[i].Text, Indent, Width);

            // A command is never wrapped by us: it is there to be copied. Long ones bring their own line breaks.
            foreach (var line in examples[i].Command.Split('\n'))
            {
                writer.WriteLine($"      {line}");
            }
        }
    }

    public static void Variables(TextWriter writer, IReadOnlyList<HelpVariable> variables)
    {
        if (variables.Count == 0)
        {
            return;
        }

        Section(writer, "ENVIRONMENT");
        foreach (var variable in variables)
        {
            Row(writer, variable.Name, variable.Meaning, VariableColumn);
        }
    }

    public static void ExitRow(TextWriter writer, HelpExit exit)
    {
        Row(writer, ((int)exit.Code).ToString(CultureInfo.InvariantCulture), exit.Meaning, ExitColumn);
    }

    public static void Row(TextWriter writer, string label, string text, int column)
    {
        var start = new string(' ', Indent) + label;
        if (start.Length > column - 1)
        {
            writer.WriteLine(start);
            TextWrap.Block(writer, text, column, Width);
        }
        else
        {
            TextWrap.Hanging(writer, start.PadRight(column) + text, 0, column, Width);
        }
    }

    private static bool Applies(Option option, HelpPage page) => option.Name != "--json" || page.Json is not null;

    private static void Arguments(TextWriter writer, Command verb)
    {
        if (verb.Arguments.Count == 0)
        {
            return;
        }

        Section(writer, "ARGUMENTS");
        foreach (var argument in verb.Arguments)
        {
            Row(writer, argument.HelpName ?? argument.Name, argument.Description ?? "", OptionColumn);
        }
    }

    private static void Verbs(TextWriter writer, Command verb)
    {
        var shown = verb.Subcommands.Where(sub => !sub.Hidden).ToList();
        if (shown.Count == 0)
        {
            return;
        }

        Section(writer, "VERBS");
        foreach (var sub in shown)
        {
            Row(writer, sub.Name, sub.Description ?? "", OptionColumn);
        }
    }
}
