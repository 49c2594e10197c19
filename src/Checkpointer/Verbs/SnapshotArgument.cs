using System.CommandLine;
using Checkpointer.Cli.Completion;

namespace Checkpointer.Cli.Verbs;

/// <summary>The argument that names a snapshot.</summary>
internal static class SnapshotArgument
{
    public static Argument<string> Create(
        SnapshotCompletion completion, bool required, string description = "A snapshot's id, or a unique prefix of one.")
    {
        var argument = new Argument<string>("SNAPSHOT")
        {
            HelpName = "SNAPSHOT",
            Description = description,
            Arity = required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        };
        argument.CompletionSources.Add(completion.Ids);
        return argument;
    }
}
