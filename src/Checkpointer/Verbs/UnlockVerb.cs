using System.CommandLine;
using System.Globalization;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Shows and removes what stands in the way of maintenance.</summary>
internal sealed class UnlockVerb : Verb
{
    private readonly Option<bool> _all = OptionKinds.Flag("--all", "Remove live ones as well. Only when no checkpoint and no prune runs.");
    private readonly Option<bool> _dryRun = OptionKinds.Flag("--dry-run", "Only show them.");

    public UnlockVerb()
        : base("unlock", "Show locks, and remove stale ones.")
    {
        Options.Add(_all);
        Options.Add(_dryRun);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Shows the leases of maintenance and the marks of running checkpoints (intents) in the repository, with their holders and ages, "
                + "and removes those that are stale: run out, or held by a process of this machine that is gone. It is seldom needed: a lease "
                + "is forgotten after a minute, and what a killed checkpoint left protects its data from prune for a day only.",
            "With --all everything is removed. A checkpoint that lives then refuses to commit (its workload runs on), and a prune that lives stops.",
        ],
        Examples =
        [
            new("After a crash, so that prune frees at once what it left:", "checkpointer unlock --repo /srv/checkpoints"),
            new("Only look:", "checkpointer unlock --dry-run --repo /srv/checkpoints"),
        ],
        ExitCodes = [HelpParts.Done, HelpParts.Failed, HelpParts.Usage, HelpParts.RepositoryTrouble, new(ExitCode.Environment, "no permission to write")],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "removed, locks (name, kind, state, holder, snapshot, ageSeconds, removed)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var all = context.Parse.GetValue(_all);
        var dryRun = context.Parse.GetValue(_dryRun);
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            if (all && !dryRun)
            {
                context.Explain("warning: live locks are removed too; checkpoints that run now will refuse to commit, and a prune that runs now will stop");
            }

            var locks = await repository.LocksAsync(removeStale: !dryRun, removeAll: all && !dryRun, cancellationToken).ConfigureAwait(false);
            if (context.Settings.Json)
            {
                context.PrintJson(UnlockOutput.Of(locks), CliJson.Default.UnlockOutput);
            }
            else
            {
                Tell(context, locks);
            }
        }

        return (int)ExitCode.Done;
    }

    private static void Tell(VerbContext context, IReadOnlyList<LockEntry> locks)
    {
        if (locks.Count > 0)
        {
            var rows = locks.Select(l => (IReadOnlyList<string>)
            [
                l.Kind.ToString().ToLowerInvariant(),
                l.Name,
                l.State.ToString().ToLowerInvariant(),
                Durations.Format(TimeSpan.FromSeconds(Math.Floor(l.Age.TotalSeconds))),
                l.Holder.Length > 0 ? l.Holder : "-",
                l.Removed ? "removed" : "",
            ]);
            foreach (var line in Columns.Lines(["KIND", "NAME", "STATE", "AGE", "HOLDER", ""], [.. rows]))
            {
                context.Print(line);
            }
        }

        context.Print(string.Create(CultureInfo.InvariantCulture, $"{locks.Count} locks, {locks.Count(l => l.Removed)} removed"));
    }
}
