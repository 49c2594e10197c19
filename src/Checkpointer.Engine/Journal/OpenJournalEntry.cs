using System.Text.Json;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Journal;

/// <summary>A journal entry that this process holds. Disposing it without <see cref="Close"/> leaves it for recovery.</summary>
public sealed class OpenJournalEntry : IDisposable
{
    private readonly string _path;
    private readonly FileLock _lock;
    private readonly Lock _gate = new();
    private readonly Action<JournalEntry>? _writing;

    internal OpenJournalEntry(string path, FileLock held, JournalEntry entry, Action<JournalEntry>? writing = null)
    {
        _path = path;
        _lock = held;
        _writing = writing;
        Entry = entry;
    }

    public JournalEntry Entry { get; private set; }

    /// <summary>False when <see cref="Entry"/> says more than what would survive a power loss.</summary>
    public bool IsWritten { get; private set; } = true;

    /// <summary>What could not be written while the operation was undone or after its end; empty when all could.</summary>
    public IReadOnlyList<Finding> Findings { get; private set; } = [];

    /// <summary>Replaces the entry and returns when it would survive a power loss.</summary>
    public void Write(JournalEntry entry)
    {
        lock (_gate)
        {
            _writing?.Invoke(entry);
            DurableFile.Create(_path, JsonSerializer.SerializeToUtf8Bytes(entry, JournalJson.Default.JournalEntry), createOnly: false);
            Entry = entry;
            IsWritten = true;
        }
    }

    /// <summary>As <see cref="Write"/>, for several threads that each change a part.</summary>
    public void Update(Func<JournalEntry, JournalEntry> change)
    {
        lock (_gate)
        {
            Write(change(Entry));
        }
    }

    /// <summary>
    /// As <see cref="Update"/>, for what undoes a step or follows the end: a full disk must not hold that up. What cannot be written is logged, is among the
    /// <see cref="Findings"/> and is told with the next write. Until then a recovery finds the older entry, so only for what that entry makes it do as well.
    /// </summary>
    internal void UpdateIfPossible(Func<JournalEntry, JournalEntry> change, ILogger logger)
    {
        lock (_gate)
        {
            var entry = change(Entry);
            try
            {
                Write(entry);
            }
            catch (Exception e)
            {
                EngineLog.JournalNotWritten(logger, e, entry.Operation);
                Findings =
                [
                    new Finding(
                        "journal-not-written",
                        FindingSeverity.Note,
                        $"operation {entry.Operation}",
                        $"its journal could not be written: {e.Message}",
                        "a writable state directory",
                        "Mend the state directory: the next operation writes its journal before it touches anything."),
                ];
                Amend(entry);
            }
        }
    }

    /// <summary>Changes the entry so that its next write tells it. Only for what recovery can do without.</summary>
    public void Amend(JournalEntry entry)
    {
        lock (_gate)
        {
            Entry = entry;
            IsWritten = false;
        }
    }

    /// <summary>Removes the entry: nothing of this operation needs to be undone any more.</summary>
    public void Close()
    {
        File.Delete(_path);
        // The lock file goes while it is held; a waiter that opened it sees an entry that is gone.
        File.Delete(_path + ".lock");
        _lock.Dispose();
    }

    public void Dispose() => _lock.Dispose();
}
