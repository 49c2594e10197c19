using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Recovery;

/// <summary>What becomes of the files that a restore put in place, when it is known what became of its tree.</summary>
internal static class StateFileRecovery
{
    /// <param name="entry">What the engine that died left.</param>
    /// <param name="files">Of it.</param>
    /// <param name="tree">How the tree ended; the entry would be closed.</param>
    /// <returns>The same, or with what is to be said of files; kept open where another start can do what could not be done now.</returns>
    public static RecoveryOutcome End(JournalEntry entry, JournalStateFiles files, RecoveryOutcome tree)
    {
        AsideFiles aside = new(entry.Operation, files, entry.BootId == Host.BootId);
        var left = tree.Outcome switch
        {
            "tree-adopted" => aside.Forget(),

            // It may have run until the machine stopped: its files are its own, and what they replaced is for a person to decide on.
            "closed-as-gone" when entry.Released => aside.Name(),
            _ => aside.PutBack(),
        };
        if (left.Count == 0)
        {
            return tree;
        }

        var message = $"{tree.Message} Of the files that it put in place: {FindingList.Enumerate(left)}.";
        return aside.MustBeRepeated ? new RecoveryOutcome("attention", message, Close: false) : tree with { Message = message };
    }
}
