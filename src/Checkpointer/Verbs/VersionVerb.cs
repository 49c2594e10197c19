using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows the version.</summary>
internal sealed class VersionVerb() : Verb("version", "Show the version.")
{
    public override HelpPage Page { get; } = new()
    {
        Description = ["Shows the version of this program, the commit that it was built from, and its runtime."],
        Examples = [new("For a bug report:", "checkpointer version")],
        ExitCodes = [HelpParts.Done, HelpParts.Usage],
        Json = "version, commit, runtime, architecture",
    };

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var version = VersionOutput.Current();
        if (context.Settings.Json)
        {
            context.PrintJson(version, CliJson.Default.VersionOutput);
        }
        else
        {
            var commit = version.Commit is null ? "" : $" (commit {version.Commit})";
            context.Print($"checkpointer {version.Version}{commit}, {version.Runtime}, {version.Architecture}");
        }

        return Task.FromResult((int)ExitCode.Done);
    }
}
