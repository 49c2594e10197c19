using System.CommandLine;
using System.CommandLine.Completions;

namespace Checkpointer.Cli.Completion;

/// <summary>What fits behind the words typed so far. The last word is the one under the cursor, perhaps empty.</summary>
internal static class Completer
{
    public static IReadOnlyList<Candidate> Complete(CommandTree tree, IReadOnlyList<string> words)
    {
        var (typed, prefix) = Normalise(words);
        var word = typed[^1];
        var line = string.Join(' ', typed.Select(Quote));
        var items = tree.Parse(line).GetCompletions(line.Length);
        var wantsOption = word.StartsWith('-');
        return
        [
            .. items
                .Where(item => item.Label.StartsWith(word, StringComparison.Ordinal) && item.Label.StartsWith('-') == wantsOption)
                .DistinctBy(item => item.Label)
                .Select(item => new Candidate(prefix + item.Label, Description(tree, item))),
        ];
    }

    /// <summary>
    /// <c>--latest=tr</c> is completed like <c>--latest tr</c>. zsh and fish give it as one word, which the answer must repeat;
    /// bash gives three, of which the last is replaced.
    /// </summary>
    private static (List<string> Words, string Prefix) Normalise(IReadOnlyList<string> words)
    {
        var typed = new List<string>(words);
        typed.RemoveAll(word => word == "=");
        if (words.Count > 0 && words[^1] == "=")
        {
            typed.Add("");
        }

        if (typed.Count == 0)
        {
            return ([""], "");
        }

        var last = typed[^1];
        var cut = last.IndexOf('=', StringComparison.Ordinal);
        if (!last.StartsWith("--", StringComparison.Ordinal) || cut < 0)
        {
            return (typed, "");
        }

        typed[^1] = last[..cut];
        typed.Add(last[(cut + 1)..]);
        return (typed, last[..(cut + 1)]);
    }

    private static string Quote(string word)
    {
        // The parser's splitter knows double quotes and no escapes; a word with one in it is completed as if it had none.
        var plain = word.Replace("\"", "", StringComparison.Ordinal);
        return plain.Any(char.IsWhiteSpace) ? $"\"{plain}\"" : plain;
    }

    private static string Description(CommandTree tree, CompletionItem item)
    {
        return item.Detail ?? tree.Verbs.FirstOrDefault(verb => verb.Name == item.Label)?.Description ?? "";
    }
}

/// <summary>A word that fits, and what it means.</summary>
internal sealed record Candidate(string Word, string Description);
