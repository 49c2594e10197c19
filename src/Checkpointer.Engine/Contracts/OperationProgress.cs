namespace Checkpointer.Engine;

/// <summary>A moment of an operation: where it stands and how fast it goes.</summary>
public sealed record OperationProgress
{
    /// <summary>One of <see cref="OperationPhase"/>.</summary>
    public required string Phase { get; init; }

    public long BytesDone { get; init; }

    /// <summary>An estimate made before the work began; null where there is none.</summary>
    public long? BytesTotal { get; init; }

    public long BytesStored { get; init; }

    /// <summary>Bytes that the parent snapshot holds already.</summary>
    public long BytesReused { get; init; }

    public double BytesPerSecond { get; init; }
}
