using System.Buffers.Binary;

namespace Checkpointer.Repository;

/// <summary>Looks at everything that a snapshot needs, in the order of reading: manifest, map, packs. Damage becomes findings.</summary>
internal sealed class RepositoryCheck(IBackend backend, KeyRing keys, SnapshotStore store, SnapshotCatalog catalog)
{
    /// <summary>Bytes of one decoded run.</summary>
    private const int RunBytes = 1 << 20;

    private readonly List<Finding> _findings = [];
    private readonly HashSet<(string Code, string Subject)> _told = [];
    private readonly Dictionary<ObjectId, bool> _packs = [];
    private readonly HashSet<string> _named = new(StringComparer.Ordinal);
    private long _bytes;

    public async Task<CheckReport> RunAsync(bool data, IProgress<CheckProgress>? progress, CancellationToken cancellationToken)
    {
        List<SnapshotId> ids = await catalog.IdsAsync(cancellationToken).ConfigureAwait(false);
        bool complete = true;
        for (int i = 0; i < ids.Count; i++)
        {
            complete &= await GuardAsync(() => CheckSnapshotAsync(ids[i], data, cancellationToken), ids[i].ToString()).ConfigureAwait(false);
            progress?.Report(new CheckProgress(i + 1, ids.Count, _bytes));
        }

        await GuardAsync(() => FindLeftoversAsync(complete, cancellationToken), backend.Describe()).ConfigureAwait(false);
        return new CheckReport(_findings, ids.Count, _packs.Count, _bytes);
    }

    private async Task CheckSnapshotAsync(SnapshotId id, bool data, CancellationToken cancellationToken)
    {
        LoadedManifest manifest;
        try
        {
            manifest = await store.LoadAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotNotFound)
        {
            // Deleted since it was listed.
            return;
        }

        string map = ObjectNames.Map(manifest.Map.Id);
        _named.Add(map);
        ObjectInfo info = await backend.StatAsync(map, cancellationToken).ConfigureAwait(false) ?? throw Damage.Missing(map);
        if (info.Length != manifest.Map.Length)
        {
            throw Damage.Of(map, $"it has {info.Length} bytes instead of {manifest.Map.Length}");
        }

        await CheckEndAsync(map, ObjectKind.Map, manifest.Map.Id, manifest.Map.Length, cancellationToken).ConfigureAwait(false);
        MapIndex index = await MapReader.ReadIndexAsync(backend, keys, manifest.Map, cancellationToken).ConfigureAwait(false);
        foreach (PackReference pack in index.Packs)
        {
            _named.Add(ObjectNames.Pack(pack.Id));
            await GuardAsync(() => CheckPackAsync(pack, cancellationToken), id.ToString()).ConfigureAwait(false);
        }

        await using SnapshotReader reader = new(backend, keys, manifest.Info, manifest.Map.Id, index);
        byte[] buffer = data ? new byte[RunBytes] : [];
        foreach (MapIndexFile file in index.Files)
        {
            await GuardAsync(() => CheckFileAsync(reader, file, buffer, cancellationToken), id.ToString()).ConfigureAwait(false);
        }
    }

    private async Task CheckFileAsync(SnapshotReader reader, MapIndexFile file, byte[] buffer, CancellationToken cancellationToken)
    {
        using FileReader cursor = new(reader, file);
        while (await cursor.NextRunAsync(RunBytes, cancellationToken).ConfigureAwait(false) is { } run)
        {
            if (!run.IsZero && buffer.Length > 0)
            {
                _bytes += run.StoredLength;
                await GuardAsync(() => reader.Decoder.DecodeAsync(run, buffer, verifyHash: true, cancellationToken), file.File.Name).ConfigureAwait(false);
            }
        }
    }

    private async Task CheckPackAsync(PackReference pack, CancellationToken cancellationToken)
    {
        if (!_packs.TryAdd(pack.Id, true))
        {
            return;
        }

        string name = ObjectNames.Pack(pack.Id);
        ObjectInfo info = await backend.StatAsync(name, cancellationToken).ConfigureAwait(false) ?? throw Damage.Missing(name);
        if (info.Length != pack.Length)
        {
            throw Damage.Of(name, $"it has {info.Length} bytes instead of {pack.Length}");
        }

        byte[] header = new byte[FormatConstants.ObjectHeaderSize];
        await MapReader.ReadExactlyAsync(backend, name, 0, header, cancellationToken).ConfigureAwait(false);
        if (ObjectHeader.Read(header, ObjectKind.Pack, name) != pack.Id)
        {
            throw Damage.Of(name, "it has the id of another pack");
        }

        await CheckEndAsync(name, ObjectKind.Pack, pack.Id, pack.Length, cancellationToken).ConfigureAwait(false);
    }

    private async Task CheckEndAsync(string name, ObjectKind kind, ObjectId id, long length, CancellationToken cancellationToken)
    {
        byte[] frame = new byte[FormatConstants.EndFrameSize];
        long offset = length - FormatConstants.EndFrameSize;
        await MapReader.ReadExactlyAsync(backend, name, offset, frame, cancellationToken).ConfigureAwait(false);
        byte[] end = new byte[FormatConstants.EndPayload];
        using FrameCipher cipher = keys.ForObject(kind, id);
        if (!FrameHeader.TryRead(frame, FormatConstants.EndPayload, out FrameHeader header)
            || header.Codec != FrameCodec.End
            || !cipher.TryOpen(FormatConstants.EndIndex, header, frame, end)
            || BinaryPrimitives.ReadInt64LittleEndian(end.AsSpan(8)) != offset)
        {
            throw Damage.Of(name, "its end frame is wrong");
        }
    }

    private async Task FindLeftoversAsync(bool complete, CancellationToken cancellationToken)
    {
        if (!complete)
        {
            // A damaged manifest may name anything: nothing can be called a leftover.
            return;
        }

        foreach (string prefix in (string[])[ObjectNames.PacksPrefix, ObjectNames.MapsPrefix])
        {
            await foreach (ObjectInfo info in backend.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            {
                if (!_named.Contains(info.Name))
                {
                    _findings.Add(new Finding(
                        "unreferenced-object", FindingSeverity.Note, info.Name, "no snapshot names it", "", "harmless: a running or aborted checkpoint left it; prune removes it"));
                }
            }
        }
    }

    /// <summary>Turns what a step throws for damage or a failing store into a finding. False: it did.</summary>
    private async Task<bool> GuardAsync(Func<Task> step, string subject)
    {
        try
        {
            await step().ConfigureAwait(false);
            return true;
        }
        catch (RepositoryException e)
        {
            // One finding for each object, however many of its frames are wrong.
            string about = e.ObjectName ?? subject;
            if (_told.Add((e.Code, about)))
            {
                _findings.Add(new Finding(e.Code, FindingSeverity.Blocker, about, e.Message, "an intact object", e.Remedy ?? "restore another snapshot"));
            }

            return false;
        }
    }
}
