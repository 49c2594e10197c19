namespace Checkpointer.Repository;

/// <summary>A lease as the store knows it.</summary>
/// <param name="Note">What its holder wrote when it took it.</param>
/// <param name="Since">When it was taken or last renewed, by the store's time; a store may know only when it was taken.</param>
/// <param name="Held">False: it has expired.</param>
public sealed record LeaseInfo(ReadOnlyMemory<byte> Note, DateTimeOffset Since, bool Held)
{
    /// <summary>Bytes of a note.</summary>
    public const int MaxNote = 4 << 10;
}
