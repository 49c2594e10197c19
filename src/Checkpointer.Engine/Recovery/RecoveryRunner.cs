using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;

namespace Checkpointer.Engine.Recovery;

/// <summary>Takes every abandoned journal entry and brings it to an end. One that cannot be ended now stays for the next start.</summary>
internal sealed class RecoveryRunner
{
    private readonly EngineServices _services;

    public RecoveryRunner(EngineServices services)
    {
        _services = services;
    }

    public async Task<RecoveryReport> RunAsync(CancellationToken cancellationToken)
    {
        List<RecoveredOperation> recovered = [];
        var abandoned = _services.Journal.TakeAbandoned((operation, e) => recovered.Add(Unreadable(operation, e)));
        try
        {
            foreach (var open in abandoned)
            {
                recovered.Add(await RecoverAsync(open, cancellationToken).ConfigureAwait(false));
            }
        }
        finally
        {
            foreach (var open in abandoned)
            {
                open.Dispose();
            }
        }

        new EndedTrees(_services).Sweep();
        await MadeVolumes.SweepAsync(_services, cancellationToken).ConfigureAwait(false);
        return new RecoveryReport { Operations = recovered };
    }

    private async Task<RecoveredOperation> RecoverAsync(OpenJournalEntry open, CancellationToken cancellationToken)
    {
        var entry = open.Entry;
        RecoveryOutcome outcome;
        try
        {
            outcome = entry.Kind == OperationKind.Checkpoint
                ? await new CheckpointRecovery(_services).RecoverAsync(open, cancellationToken).ConfigureAwait(false)
                : await new RestoreRecovery(_services).RecoverAsync(entry, cancellationToken, open).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Told to the person and kept: the next start tries again. One entry must not keep the others from being ended.
            outcome = new RecoveryOutcome("attention", $"{e.Message} {(e as CheckpointerException)?.Remedy}".Trim(), Close: false);
        }

        if (outcome.Close)
        {
            RemoveRunDirectory(entry);
            open.Close();
        }

        EngineLog.Recovered(_services.Logger, entry.Operation, entry.Kind.ToString(), entry.Phase, outcome.Outcome);
        return new RecoveredOperation
        {
            Operation = entry.Operation,
            Kind = entry.Kind == OperationKind.Checkpoint ? "checkpoint" : "restore",
            Phase = entry.Phase,
            Outcome = outcome.Outcome,
            Message = outcome.Message,
            Snapshot = entry.Snapshot,
        };
    }

    private static RecoveredOperation Unreadable(string operation, HostException e) => new()
    {
        Operation = operation,
        Kind = "unknown",
        Phase = "unknown",
        Outcome = "attention",
        Message = $"{e.Message} {e.Remedy}",
    };

    private static void RemoveRunDirectory(JournalEntry entry)
    {
        // Only the directory that bears the operation's name: the entry is a file, and files can be edited.
        if (entry.RunDirectory is { } directory && Path.GetFileName(directory) == entry.Operation && Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}

/// <summary>How one entry ended.</summary>
/// <param name="Outcome">One of the names that <see cref="RecoveredOperation.Outcome"/> lists.</param>
/// <param name="Message">One line for a person.</param>
/// <param name="Close">False keeps the entry for the next start.</param>
internal sealed record RecoveryOutcome(string Outcome, string Message, bool Close = true);
