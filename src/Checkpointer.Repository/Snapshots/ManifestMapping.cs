namespace Checkpointer.Repository;

/// <summary>Between the persisted manifest and what callers see. Everything read is checked here.</summary>
internal static class ManifestMapping
{
    private const int DigestBytes = 32;

    public static LoadedManifest Read(ManifestDocument document, SnapshotId id, string digest, int objectLength, string name)
    {
        if (document.Version > FormatConstants.Version)
        {
            throw Damage.TooNew(name, document.Version);
        }

        SnapshotId? parent = null;
        if (document.Parent is not null)
        {
            parent = SnapshotId.TryParse(document.Parent, out SnapshotId value) ? value : throw Damage.Of(name, "its parent is malformed");
        }

        if (document.Version != FormatConstants.Version
            || document.Lineage != id.Lineage.ToString()
            || document.Generation != id.Generation
            || (document.ParentDigest is not null && !HexText.TryParseBytes(document.ParentDigest, DigestBytes, out _))
            || (document.Origin is { } o && (!ObjectId.TryParse(o.Repository, out _) || !HexText.TryParseBytes(o.Digest, DigestBytes, out _)))
            || document.Content is not { Node: not null, Intent: not null }
            || document.Files is < 0 or > FormatConstants.MaxFiles
            || document.BytesCaptured < 0
            || document.BytesStored < 0)
        {
            throw Damage.Of(name, "a field is missing or wrong");
        }

        SnapshotInfo info = new()
        {
            Id = id,
            Content = new ManifestContent
            {
                Name = document.Content.Name,
                Created = document.Content.Created,
                Node = document.Content.Node,
                Intent = document.Content.Intent,
                Labels = document.Content.Labels ?? [],
                Workload = document.Content.Workload ?? default,
            },
            Parent = parent,
            ParentDigest = document.ParentDigest,
            Origin = document.Origin is { Repository: { } repository, Digest: { } original } ? new SnapshotOrigin(repository, original) : null,
            Digest = digest,
            BytesCaptured = document.BytesCaptured,
            BytesStored = document.BytesStored + objectLength,
            Files = document.Files,
        };
        return new LoadedManifest(info, ReadMap(document.Map, name));
    }

    public static ManifestDocument Write(
        SnapshotTarget target,
        string? parentDigest,
        ManifestContent content,
        MapReference map,
        int files,
        long captured,
        long stored,
        SnapshotOrigin? origin = null) => new()
        {
            Version = FormatConstants.Version,
            Lineage = target.Lineage.ToString(),
            Generation = target.Generation,
            Parent = target.Parent?.ToString(),
            ParentDigest = parentDigest,
            Origin = origin is null ? null : new OriginDocument { Repository = origin.Repository, Digest = origin.Digest },
            Content = new ContentDocument
            {
                Name = content.Name,
                Created = content.Created,
                Node = content.Node,
                Intent = content.Intent,
                Labels = content.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal),
                Workload = content.Workload.ValueKind == System.Text.Json.JsonValueKind.Undefined ? null : content.Workload,
            },
            Files = files,
            BytesCaptured = captured,
            BytesStored = stored,
            Map = WriteMap(map),
        };

    public static MapDocument WriteMap(MapReference map) => new()
    {
        Id = map.Id.ToString(),
        Length = map.Length,
        IndexOffset = map.IndexOffset,
        IndexFrame = map.IndexFrame,
        IndexLength = map.IndexLength,
        IndexDigest = map.IndexDigest,
    };

    public static MapReference ReadMap(MapDocument? map, string name)
    {
        if (map is null
            || !ObjectId.TryParse(map.Id, out ObjectId mapId)
            || !HexText.TryParseBytes(map.IndexDigest, DigestBytes, out _)
            || map.IndexLength is <= 0 or > FormatConstants.MaxIndex
            || map.IndexOffset < FormatConstants.ObjectHeaderSize
            || map.IndexOffset > FormatConstants.MaxMapLength
            || map.Length > FormatConstants.MaxMapLength
            || map.IndexFrame is < 0 or > FormatConstants.MaxSegments
            || map.Length < map.IndexOffset + map.IndexLength + FormatConstants.FrameOverhead + FormatConstants.EndFrameSize)
        {
            throw Damage.Of(name, "what it says of its map is wrong");
        }

        return new MapReference(mapId, map.Length, map.IndexOffset, map.IndexFrame, (int)map.IndexLength, map.IndexDigest!);
    }
}
