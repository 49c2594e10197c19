using System.CommandLine;
using Checkpointer.Cli.Help;

namespace Checkpointer.Cli;

/// <summary>
/// One verb: its options, its help page, and what it does. A verb is made for one command tree and holds no state of a run.
/// </summary>
internal abstract class Verb : Command
{
    protected Verb(string name, string summary)
        : base(name, summary)
    {
        // Never invoked: CommandLine runs the verb itself. Without an action a verb that has verbs of its own would count as incomplete.
        SetAction(static _ => 0);
    }

    /// <summary>What <c>--help</c> shows besides the options.</summary>
    public abstract HelpPage Page { get; }

    /// <summary>What an error of this verb leaves to be told about a workload.</summary>
    public virtual WorkloadRole Role => WorkloadRole.None;

    /// <summary>Whether Ctrl-C and SIGTERM cancel the token. False where the verb has its own way with them.</summary>
    public virtual bool CatchesSignals => true;

    /// <summary>Does the work and returns the exit code. Errors are thrown.</summary>
    public abstract Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken);
}

/// <summary>How a verb concerns a workload: it decides which state line an error gets.</summary>
internal enum WorkloadRole
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>It stops one: the error says whether it runs and whether the snapshot is durable.</summary>
    Checkpoints,

    /// <summary>It makes one run: the error says what is left of it.</summary>
    Restores,
}
