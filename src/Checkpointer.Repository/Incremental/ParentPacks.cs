namespace Checkpointer.Repository;

/// <summary>
/// The packs of a parent: which of them may be relied on, and under which number the new snapshot lists them. A pack gets its number with its first use,
/// so the new map names only what it needs. Thread-safe.
/// </summary>
internal sealed class ParentPacks
{
    /// <summary>Packs that a new snapshot takes over at most: half of what a map may list, so that its own always find room.</summary>
    internal const int MaxTaken = FormatConstants.MaxPacks / 2;

    private const int Unused = -1;

    private readonly IReadOnlyList<PackReference> _packs;
    private readonly bool[] _sound;
    private readonly int[] _numbers;
    private readonly Lock _gate = new();
    private PackTable? _table;
    private int _taken;

    public ParentPacks(IReadOnlyList<PackReference> packs, bool[] sound)
    {
        _packs = packs;
        _sound = sound;
        _numbers = new int[packs.Count];
        Array.Fill(_numbers, Unused);
    }

    /// <summary>False: it is missing or truncated, so nothing in it may be used again.</summary>
    public bool IsSound(int pack) => _sound[pack];

    /// <summary>Whether the new snapshot uses it.</summary>
    public bool IsTaken(int pack) => Volatile.Read(ref _numbers[pack]) != Unused;

    /// <summary>The table of the snapshot that is being written; before the first lookup.</summary>
    public void Attach(PackTable table) => _table = table;

    /// <summary>The new snapshot's number of a parent's pack. False: no more packs can be taken over.</summary>
    public bool TryNumber(int pack, out int number)
    {
        number = Volatile.Read(ref _numbers[pack]);
        if (number != Unused)
        {
            return true;
        }

        lock (_gate)
        {
            number = _numbers[pack];
            if (number == Unused)
            {
                if (_taken == MaxTaken)
                {
                    return false;
                }

                _taken++;
                number = _table!.AddExisting(_packs[pack]);
                Volatile.Write(ref _numbers[pack], number);
            }

            return true;
        }
    }
}
