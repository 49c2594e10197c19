namespace Checkpointer.Repository;

/// <summary>The packs that a snapshot uses, by the number that map entries hold. Thread-safe.</summary>
internal sealed class PackTable
{
    private readonly Lock _gate = new();
    private readonly List<(ObjectId Id, long Length)> _packs = [];

    /// <summary>A pack that this snapshot writes; its length follows.</summary>
    public int Add(ObjectId id) => Add(new PackReference(id, 0));

    /// <summary>A pack of an earlier snapshot.</summary>
    public int AddExisting(PackReference pack) => Add(pack);

    public void SetLength(int number, long length)
    {
        lock (_gate)
        {
            _packs[number] = (_packs[number].Id, length);
        }
    }

    /// <summary>To be read when every pack is committed.</summary>
    public IReadOnlyList<(ObjectId Id, long Length)> Packs => _packs;

    private int Add(PackReference pack)
    {
        lock (_gate)
        {
            if (_packs.Count >= FormatConstants.MaxPacks)
            {
                throw new RepositoryException(RepositoryCodes.LimitExceeded, $"the snapshot needs more than {FormatConstants.MaxPacks} packs");
            }

            _packs.Add((pack.Id, pack.Length));
            return _packs.Count - 1;
        }
    }
}
