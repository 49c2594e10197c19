namespace Checkpointer.Engine.Criu;

/// <summary>CRIU's figures of one dump (<c>stats-dump</c>). CRIU keeps microseconds in 32 bits: they wrap after 71 minutes.</summary>
public sealed record DumpStats
{
    public TimeSpan Freezing { get; init; }

    /// <summary>From all tasks stopped until killed or resumed, the post-dump script included.</summary>
    public TimeSpan Frozen { get; init; }

    public TimeSpan MemoryDump { get; init; }

    public TimeSpan MemoryWrite { get; init; }

    public long PagesScanned { get; init; }

    public long PagesWritten { get; init; }

    public long SharedPagesScanned { get; init; }

    public long SharedPagesWritten { get; init; }
}

/// <summary>CRIU's figures of one restore (<c>stats-restore</c>).</summary>
public sealed record RestoreStats
{
    public TimeSpan Forking { get; init; }

    public TimeSpan Restore { get; init; }

    public long PagesCompared { get; init; }

    public long PagesSkippedCopyOnWrite { get; init; }

    public long PagesRestored { get; init; }
}

/// <summary>Reads CRIU's statistics files.</summary>
public static partial class CriuStats
{
    /// <summary>Reads <c>stats-dump</c>; null when CRIU left none (it writes it only after a success).</summary>
    public static DumpStats? ReadDump(string workDirectory)
    {
        throw new NotSupportedException();
    }

    /// <summary>Reads <c>stats-restore</c>; null when CRIU left none.</summary>
    public static RestoreStats? ReadRestore(string workDirectory)
    {
        throw new NotSupportedException();
    }
}
