namespace Checkpointer.Repository;

/// <summary>Every number of format version 1 (docs/format.md). All are persisted: never change one, only add.</summary>
internal static class FormatConstants
{
    public const ushort Version = 1;

    /// <summary>Bytes: a page is the unit of chunking.</summary>
    public const int PageSize = 4096;

    /// <summary>Natural cuts are at least this many pages apart; follows from the rule of <see cref="PageScanner"/>.</summary>
    public const int MinPages = 2;

    /// <summary>Pages: a chunk is cut here at the latest.</summary>
    public const int MaxPages = 32;

    /// <summary>Bits of the page hash that must be zero for a mark: one page in four, so a cut every 21 KiB on average.</summary>
    public const int CutBits = 2;

    /// <summary>Bytes of the longest chunk.</summary>
    public const int MaxChunk = MaxPages * PageSize;

    public const string ChunkingAlgorithm = "page-sample-1";
    public const string ChunkHashAlgorithm = "xxh128-seeded";

    public const int KeySize = 32;
    public const int NonceSize = 12;
    public const int TagSize = 16;

    /// <summary>Bytes of the header of packs, maps, manifests and markers.</summary>
    public const int ObjectHeaderSize = 40;

    public const int FrameHeaderSize = 12;

    /// <summary>Bytes that sealing adds to a payload.</summary>
    public const int FrameOverhead = FrameHeaderSize + TagSize;

    /// <summary>Bytes of the largest frame of a pack.</summary>
    public const int MaxFrame = MaxChunk + FrameOverhead;

    /// <summary>Bytes of the raw end frame: frame count and object length.</summary>
    public const int EndPayload = 16;

    /// <summary>The index (nonce) of every end frame, as 64 bits all ones: it can be opened without knowing how many frames there are.</summary>
    public const long EndIndex = -1;

    public const int EndFrameSize = EndPayload + FrameOverhead;

    public const int AssociatedDataSize = 60;

    /// <summary>Bytes: a writer starts a new pack when the next frame would pass this. Large enough for few objects, small enough to lose little on a retry.</summary>
    public const int PackTarget = 64 << 20;

    /// <summary>Bytes: offsets in a pack fit 31 bits.</summary>
    public const long MaxPackLength = int.MaxValue;

    public const int EntrySize = 36;

    /// <summary>Entries of a map segment: 36 KiB in memory for about 21 MiB of a file, so that hundreds of open files stay small.</summary>
    public const int MaxSegmentEntries = 1024;

    /// <summary>Bytes of a zero run: fits an int with room to add.</summary>
    public const int MaxZeroRun = 1 << 30;

    /// <summary>Bytes of an index frame.</summary>
    public const int IndexFrame = 1 << 20;

    /// <summary>Bytes of a whole index: an image of 1 TiB needs about 1.5 MiB.</summary>
    public const int MaxIndex = 256 << 20;

    public const int MaxFiles = 1_000_000;
    public const int MaxPacks = 1 << 22;
    public const int MaxSegments = 1 << 24;

    /// <summary>Bytes of a map object: all its segments, with room; sums of offsets and lengths stay far from overflow.</summary>
    public const long MaxMapLength = 1L << 40;

    /// <summary>Bytes of a manifest's JSON: the workload's part lists its mapped files.</summary>
    public const int MaxManifest = 64 << 20;

    /// <summary>Bytes of a marker's JSON.</summary>
    public const int MaxMarker = 64 << 10;

    /// <summary>Bytes of an intent's JSON.</summary>
    public const int MaxIntent = 4 << 10;

    /// <summary>Bytes of a lease note's JSON.</summary>
    public const int MaxLeaseNote = 2 << 10;

    /// <summary>Bytes of the text of a move.</summary>
    public const int MaxMove = 32 << 20;

    /// <summary>Packs that the frames of one pack may have gone to.</summary>
    public const int MaxMoveTargets = 1024;

    /// <summary>Frames of one move: a pack with more that are alive is not rewritten.</summary>
    public const int MaxMoveEntries = 1 << 20;

    public const int MoveEntrySize = 16;

    /// <summary>Moves that lead from a pack to the pack that holds a frame now.</summary>
    public const int MaxMoveDepth = 16;

    /// <summary>An intent that is older, by the store's time, is dead: prune ignores and removes it. Persisted as a promise between programs.</summary>
    public const int IntentDeadHours = 24;

    /// <summary>A writer whose own intent is older, by the store's time, does not commit: four hours before others may count it as dead.</summary>
    public const int IntentMaxHours = 20;

    /// <summary>Bytes of repository.json.</summary>
    public const int MaxConfig = 16 << 10;

    /// <summary>Bytes of keys/* and of a key file.</summary>
    public const int MaxKeyObject = 4 << 10;
}
