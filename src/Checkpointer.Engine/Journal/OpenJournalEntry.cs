using System.Text.Json;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Journal;

/// <summary>A journal entry that this process holds. Disposing it without <see cref="Close"/> leaves it for recovery.</summary>
public sealed class OpenJournalEntry : IDisposable
{
    private readonly string _path;
    private readonly FileLock _lock;
    private readonly Lock _gate = new();

    internal OpenJournalEntry(string path, FileLock held, JournalEntry entry)
    {
        _path = path;
        _lock = held;
        Entry = entry;
    }

    public JournalEntry Entry { get; private set; }

    /// <summary>False when <see cref="Entry"/> says more than what would survive a power loss.</summary>
    public bool IsWritten { get; private set; } = true;

    /// <summary>Replaces the entry and returns when it would survive a power loss.</summary>
    public void Write(JournalEntry entry)
    {
        lock (_gate)
        {
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
