namespace Checkpointer.Repository;

/// <summary>The packs that a snapshot uses, by the number that map entries hold. Thread-safe.</summary>
internal sealed class PackTable
{
    private readonly Lock _gate = new();
    private readonly List<(ObjectId Id, long Length)> _packs = [];

    public int Add(ObjectId id)
    {
        lock (_gate)
        {
            if (_packs.Count >= FormatConstants.MaxPacks)
            {
                throw new RepositoryException(RepositoryCodes.LimitExceeded, $"the snapshot needs more than {FormatConstants.MaxPacks} packs");
            }

            _packs.Add((id, 0));
            return _packs.Count - 1;
        }
    }

    public void SetLength(int number, long length)
    {
        lock (_gate)
        {
            _packs[number] = (_packs[number].Id, length);
        }
    }

    /// <summary>To be read when every pack is committed.</summary>
    public IReadOnlyList<(ObjectId Id, long Length)> Packs => _packs;
}
