using System.CommandLine;
using Checkpointer.Cli.Help;

namespace Checkpointer.Cli.Verbs;

/// <summary><c>checkpointer help VERB</c>: what many people try first. Not shown in the help, which says <c>--help</c>.</summary>
internal sealed class HelpVerb : Verb
{
    private readonly CommandTree _tree;
    private readonly Argument<string[]> _verb = new("VERB")
    {
        HelpName = "VERB",
        Description = "The verb to explain.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public HelpVerb(CommandTree tree)
        : base("help", "Explain a verb.")
    {
        _tree = tree;
        Hidden = true;
        Arguments.Add(_verb);
    }

    public override HelpPage Page { get; } = new()
    {
        Description = ["Shows the same as VERB --help."],
        ExitCodes = [HelpParts.Done, HelpParts.Usage],
    };

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        Command found = _tree.Root;
        foreach (var name in context.Parse.GetValue(_verb) ?? [])
        {
            found = found.Subcommands.FirstOrDefault(sub => sub.Name == name)
                ?? throw new UsageException("usage", $"unknown verb '{name}'", "See 'checkpointer --help'.");
        }

        if (found is Verb verb)
        {
            HelpWriter.Write(verb, _tree.Globals, context.Host.Out);
        }
        else
        {
            RootHelp.Write(_tree, context.Host.Out);
        }

        return Task.FromResult((int)ExitCode.Done);
    }
}
