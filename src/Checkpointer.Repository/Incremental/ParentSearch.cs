namespace Checkpointer.Repository;

/// <summary>
/// Finds chunks of the new snapshot in its parent. Lookups are synchronous, thread-safe and never touch the store. A small parent is held whole (no lock, nothing
/// to load); a large one through a <see cref="ParentWindow"/>.
/// </summary>
internal sealed class ParentSearch : IAsyncDisposable
{
    private readonly ParentPacks _packs;
    private readonly ResidentTable _table;
    private readonly ParentWindow? _window;
    private readonly SegmentLoader? _loader;

    /// <param name="packs">The parent's packs.</param>
    /// <param name="table">All its entries, or those that the window holds.</param>
    /// <param name="window">Null: the table is whole and does not change any more.</param>
    /// <param name="loader">Feeds the window.</param>
    public ParentSearch(ParentPacks packs, ResidentTable table, ParentWindow? window, SegmentLoader? loader)
    {
        _packs = packs;
        _table = table;
        _window = window;
        _loader = loader;
    }

    /// <summary>For tests: segments that were read while chunks were looked up.</summary>
    internal int Loads => _window?.Loads ?? 0;

    /// <summary>For tests: segments that are being read.</summary>
    internal int Pending => _window?.Pending ?? 0;

    /// <summary>The table in which the packs that are used get their numbers; before the first lookup.</summary>
    public void Attach(PackTable table) => _packs.Attach(table);

    /// <summary>A file of that name comes next.</summary>
    public void Expect(string file) => _window?.Expect(file);

    /// <summary>An equal chunk of the parent, as an entry of the new map.</summary>
    public bool TryFind(UInt128 hash, int rawLength, out ChunkEntry entry)
    {
        if (!TryLook(hash, rawLength, out entry) || !_packs.TryNumber(entry.Pack, out int number))
        {
            return false;
        }

        entry = entry with { Pack = number };
        return true;
    }

    /// <summary>Whether the parent has such a chunk. Its pack is not taken over by that.</summary>
    public bool Knows(UInt128 hash, int rawLength) => TryLook(hash, rawLength, out _);

    /// <summary>An entry with the parent's number of its pack.</summary>
    private bool TryLook(UInt128 hash, int rawLength, out ChunkEntry entry)
    {
        if (_window is not null)
        {
            return _window.TryFind(hash, rawLength, out entry);
        }

        int slot = _table.Find(hash, rawLength);
        entry = slot < 0 ? default : _table.Entry(slot);
        return slot >= 0;
    }

    public ValueTask DisposeAsync() => _loader?.DisposeAsync() ?? ValueTask.CompletedTask;
}
