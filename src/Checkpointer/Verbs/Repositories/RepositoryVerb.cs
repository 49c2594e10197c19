using Checkpointer.Cli.Help;

namespace Checkpointer.Cli.Verbs;

/// <summary>What concerns the place of a repository rather than its snapshots.</summary>
internal sealed class RepositoryVerb : Verb
{
    public RepositoryVerb()
        : base("repository", "Test whether a place is fit for a repository.") => Subcommands.Add(new RepositoryValidateVerb());

    public override HelpPage Page { get; } = new()
    {
        Description = ["Verbs about the place where a repository is, or shall be. They need no key and touch no snapshot."],
        Examples = [new("Is this container fit for snapshots, and how fast?", "checkpointer repository validate https://account.blob.core.windows.net/checkpoints")],
        ExitCodes = [new(ExitCode.Usage, "no verb behind 'repository'")],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
    };

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        throw new UsageException("usage", "'checkpointer repository' needs a verb: validate", "See 'checkpointer repository --help'.");
    }
}
