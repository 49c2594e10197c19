using System.CommandLine.Completions;
using Checkpointer.Engine.Criu;

namespace Checkpointer.Cli.Completion;

/// <summary>The options of CRIU that a person may set, with their values.</summary>
internal static class CriuOptionCompletion
{
    public static IEnumerable<CompletionItem> Complete(CompletionContext context)
    {
        return CriuOptionOverrides.Known.SelectMany(option => option.Value.Count == 0
            ? [new CompletionItem(option.Key + "=")]
            : option.Value.Select(value => new CompletionItem($"{option.Key}={value}")));
    }
}
