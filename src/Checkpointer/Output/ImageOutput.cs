namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>export --json</c>.</summary>
internal sealed record ExportOutput
{
    public required string Snapshot { get; init; }

    public required string Directory { get; init; }

    public required int Files { get; init; }

    /// <summary>Bytes of all files, holes included.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes that are not holes.</summary>
    public required long BytesWritten { get; init; }

    /// <summary>Arguments for stock CRIU to restore the images.</summary>
    public required IReadOnlyList<string> CriuArguments { get; init; }
}

/// <summary>The shape of <c>import --json</c>.</summary>
internal sealed record ImportOutput
{
    public required string Snapshot { get; init; }

    public required string Lineage { get; init; }

    public required long Generation { get; init; }

    public string? Name { get; init; }

    public required int Files { get; init; }

    public required long BytesCaptured { get; init; }

    public required long BytesStored { get; init; }

    /// <summary>Whether the directory was an export, so that the requirement of the checkpoint is known.</summary>
    public required bool Described { get; init; }

    /// <summary>Names that were left out.</summary>
    public required IReadOnlyList<string> Skipped { get; init; }

    public required IReadOnlyList<Finding> Findings { get; init; }
}
