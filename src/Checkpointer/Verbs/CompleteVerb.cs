using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;

namespace Checkpointer.Cli.Verbs;

/// <summary>
/// What the completion scripts call: <c>checkpointer complete SHELL -- WORD...</c>. Hidden; its form may change with the scripts.
/// </summary>
internal sealed class CompleteVerb : Verb
{
    private readonly CommandTree _tree;
    private readonly Argument<string> _shell = new("SHELL") { HelpName = "SHELL" };
    private readonly Argument<string[]> _words = new("WORD") { HelpName = "WORD", Arity = ArgumentArity.ZeroOrMore };

    public CompleteVerb(CommandTree tree)
        : base("complete", "Answer the completion scripts.")
    {
        _tree = tree;
        Hidden = true;
        Arguments.Add(_shell);
        Arguments.Add(_words);
    }

    public override bool CatchesSignals => false;

    public override HelpPage Page { get; } = new()
    {
        Description = ["Prints what fits behind the words, one candidate a line, in the form that the shell's script reads."],
        ExitCodes = [HelpParts.Done],
    };

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var shell = context.Parse.GetRequiredValue(_shell);
        foreach (var candidate in Completer.Complete(_tree, context.Parse.GetValue(_words) ?? []))
        {
            var clean = new Candidate(ErrorText.OneLine(candidate.Word), ErrorText.OneLine(candidate.Description));
            context.Print(Format(shell, clean));
        }

        return Task.FromResult((int)ExitCode.Done);
    }

    private static string Format(string shell, Candidate candidate) => (shell, candidate.Description.Length) switch
    {
        ("bash", _) or (_, 0) => candidate.Word,

        // _describe splits at the first colon that is not escaped.
        ("zsh", _) => $"{candidate.Word.Replace(":", "\\:", StringComparison.Ordinal)}:{candidate.Description}",
        _ => $"{candidate.Word}\t{candidate.Description}",
    };
}
