using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Help;

namespace Checkpointer.Cli.Verbs;

/// <summary>Prints a shell's completion script.</summary>
internal sealed class CompletionVerb : Verb
{
    private readonly Argument<string> _shell = new("SHELL")
    {
        HelpName = "bash|zsh|fish",
        Description = "The shell that the script is for.",
    };

    public CompletionVerb()
        : base("completion", "Print the completion script for a shell.")
    {
        _shell.CompletionSources.Add(
            _ => CompletionScripts.Shells.Select(shell => new System.CommandLine.Completions.CompletionItem(shell)));
        _shell.Validators.Add(result =>
        {
            var shell = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            if (!CompletionScripts.Shells.Contains(shell))
            {
                result.AddError($"completion: '{shell}' is not a shell that we know; for example checkpointer completion bash");
            }
        });
        Arguments.Add(_shell);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Prints a script that teaches a shell to complete verbs, options, and the ids and names of the snapshots in the repository "
                + "(the one of --repo on the line, or of the environment).",
        ],
        Examples =
        [
            new("bash, for everybody on this machine:", "checkpointer completion bash > /etc/bash_completion.d/checkpointer"),
            new("bash, in this shell only:", "source <(checkpointer completion bash)"),
            new("zsh, in a directory of $fpath:", "checkpointer completion zsh > ~/.zfunc/_checkpointer"),
            new("fish:", "checkpointer completion fish > ~/.config/fish/completions/checkpointer.fish"),
        ],
        ExitCodes = [HelpParts.Done, HelpParts.Usage],
    };

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        context.Host.Out.Write(CompletionScripts.For(context.Parse.GetRequiredValue(_shell)));
        return Task.FromResult((int)ExitCode.Done);
    }
}
