namespace Checkpointer.Repository;

/// <summary>
/// Finds moves for readers, and remembers them: at most <see cref="MaxMemory"/> bytes, then it begins anew. Thread-safe.
/// </summary>
internal sealed class MoveStore(IBackend backend, KeyRing keys)
{
    /// <summary>Bytes of remembered moves: those of hundreds of packs; one that is larger by itself is never larger than 16 MiB.</summary>
    internal const long MaxMemory = 16 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectId, PackMove> _known = [];
    private long _bytes;

    /// <summary>A move that was found before: its pack is not asked for again.</summary>
    public PackMove? Known(ObjectId pack)
    {
        lock (_gate)
        {
            return _known.GetValueOrDefault(pack);
        }
    }

    /// <summary>Null: the pack was never moved. Codes repository-damaged, repository-too-new.</summary>
    public async Task<PackMove?> TryLoadAsync(ObjectId pack, CancellationToken cancellationToken)
    {
        if (Known(pack) is { } known)
        {
            return known;
        }

        string name = ObjectNames.Move(pack);
        byte[]? data = await backend.TryReadAllAsync(name, SealedDocument.ObjectLength(FormatConstants.MaxMove), cancellationToken).ConfigureAwait(false);
        if (data is null)
        {
            return null;
        }

        PackMove move = PackMove.Read(pack, SealedDocument.OpenMove(keys, pack, data, name), name);
        lock (_gate)
        {
            if (_bytes + move.MemoryBytes > MaxMemory)
            {
                _known.Clear();
                _bytes = 0;
            }

            if (_known.TryAdd(pack, move))
            {
                _bytes += move.MemoryBytes;
            }
        }

        return move;
    }
}
