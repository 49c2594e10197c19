using System.CommandLine;
using System.CommandLine.Parsing;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Verbs;

namespace Checkpointer.Cli;

/// <summary>The whole command line: all verbs in the order in which the help shows them.</summary>
internal sealed class CommandTree
{
    public const string Name = "checkpointer";

    /// <summary>Arguments are taken as they are: no response files, no bundled letters.</summary>
    private static readonly ParserConfiguration Configuration = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <param name="environment">Where completion finds the repository when the line names none.</param>
    public CommandTree(Func<string, string?> environment)
    {
        var completion = new SnapshotCompletion(Globals, environment);
        Verbs =
        [
            new InitVerb(),
            new CheckpointVerb(),
            new RestoreVerb(completion),
            new PreflightVerb(completion),
            new ContainersVerb(),
            new ListVerb(),
            new ShowVerb(completion),
            new DeleteVerb(completion),
            new CheckVerb(),
            new RetainVerb(completion),
            new PruneVerb(),
            new StatsVerb(),
            new UnlockVerb(),
            new KeyVerb(),
            new CopyVerb(completion),
            new ExportVerb(completion),
            new ImportVerb(),
            new RepositoryVerb(),
            new OperationsVerb(),
            new NodeVerb(),
            new VersionVerb(),
            new CompletionVerb(),
        ];
        Root = new RootCommand("Checkpoint a running process and restore it elsewhere.");
        Root.Options.Clear();
        Root.Directives.Clear();
        foreach (var option in Globals.All)
        {
            Root.Options.Add(option);
        }

        Root.Options.Add(Version);
        foreach (var verb in Verbs)
        {
            Root.Subcommands.Add(verb);
        }

        Root.Subcommands.Add(new HelpVerb(this));
        Root.Subcommands.Add(new CompleteVerb(this));
    }

    public RootCommand Root { get; }

    public GlobalOptions Globals { get; } = new();

    public Option<bool> Version { get; } = OptionKinds.Flag("--version", "Show the version.");

    /// <summary>The verbs that a person uses, in the order of the help.</summary>
    public IReadOnlyList<Verb> Verbs { get; }

    public ParseResult Parse(IReadOnlyList<string> arguments) => CommandLineParser.Parse(Root, arguments, Configuration);

    public ParseResult Parse(string line) => CommandLineParser.Parse(Root, line, Configuration);
}
