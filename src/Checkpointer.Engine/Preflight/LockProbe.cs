using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>File locks: CRIU takes along those that are held on files that the tree has open.</summary>
internal static class LockProbe
{
    public static void Run(InspectionDraft draft)
    {
        List<string> held = draft.AllFiles()
            .Where(f => f.File.Info.Locks.Count > 0)
            .Select(f => $"{f.File.Target} ({InspectionDraft.Name(f.Process, f.File)})")
            .Distinct(StringComparer.Ordinal)
            .ToList();
        if (held.Count == 0)
        {
            return;
        }

        draft.FileLocks = true;
        draft.Note("file-locks", InspectionDraft.Enumerate(held), "locked by the tree", "nothing", "nothing: the locks are taken again at restore; nobody else may hold them then");
    }
}
