using System.IO.Hashing;

namespace Checkpointer.Repository;

internal sealed partial class RepositoryCheck
{
    /// <summary>Bytes of one decoded run.</summary>
    private const int RunBytes = 1 << 20;

    /// <summary>Chunks whose damage is remembered one by one, so that each snapshot is told by what it needs; beyond it, whole packs count as bad.</summary>
    private const int MaxBadChunks = 1 << 16;

    private readonly Dictionary<ObjectId, PackUse> _read = [];
    private readonly Dictionary<(ObjectId Pack, int Frame), int> _badChunks = [];
    private readonly Dictionary<ObjectId, int> _badPacks = [];

    private async Task CheckDataAsync(LoadedManifest manifest, MapIndex index, CancellationToken cancellationToken)
    {
        await using SnapshotReader reader = new(backend, keys, manifest.Info, manifest.Map.Id, index);
        byte[] buffer = new byte[RunBytes];
        foreach (MapIndexFile file in index.Files)
        {
            await GuardAsync(
                async () =>
                {
                    using FileReader cursor = new(reader, file);
                    while (await cursor.NextRunAsync(RunBytes, cancellationToken).ConfigureAwait(false) is { } run)
                    {
                        if (!run.IsZero && IsChosen(run.Pack.Id))
                        {
                            await CheckRunAsync(reader, run, buffer, manifest.Info.Id, cancellationToken).ConfigureAwait(false);
                        }
                    }
                },
                file.File.Name,
                manifest.Info.Id).ConfigureAwait(false);
        }
    }

    private async Task CheckRunAsync(SnapshotReader reader, ChunkRun run, byte[] buffer, SnapshotId id, CancellationToken cancellationToken)
    {
        if (_packs.GetValueOrDefault(run.Pack.Id) is { } known)
        {
            // It is missing, cut off, or not the pack at all: told already.
            _findings.Harm(known, id);
            return;
        }

        if (!_read.TryGetValue(run.Pack.Id, out PackUse? read))
        {
            _read[run.Pack.Id] = read = new PackUse();
        }

        if (run.Chunks.All(c => read.IsLive(c.Frame)))
        {
            HarmBy(run, id);
            return;
        }

        _bytes += run.StoredLength;
        progress?.Report(new CheckProgress(0, 0, _bytes));
        bool sound = await TryDecodeAsync(reader, run, buffer, id, number: null, cancellationToken).ConfigureAwait(false);
        foreach (ChunkEntry chunk in run.Chunks)
        {
            read.Mark(chunk.Frame, chunk.FrameLength);
        }

        if (!sound)
        {
            // Which of them? Other snapshots may need the others only.
            int offset = 0;
            foreach (ChunkEntry chunk in run.Chunks)
            {
                ChunkRun one = new(run.Offset + offset, chunk.RawLength, isZero: false) { StoredLength = chunk.FrameLength, Pack = run.Pack, Chunks = new[] { chunk } };
                await TryDecodeAsync(reader, one, buffer, id, n => Remember(run.Pack.Id, chunk.Frame, n), cancellationToken).ConfigureAwait(false);
                offset += chunk.RawLength;
            }
        }
    }

    private Task<bool> TryDecodeAsync(SnapshotReader reader, ChunkRun run, byte[] buffer, SnapshotId id, Action<int>? number, CancellationToken cancellationToken) =>
        GuardAsync(() => reader.Decoder.DecodeAsync(run, buffer, verifyHash: true, cancellationToken), ObjectNames.Pack(run.Pack.Id), id, number);

    private void Remember(ObjectId pack, int frame, int number)
    {
        if (_badChunks.Count < MaxBadChunks)
        {
            _badChunks[(pack, frame)] = number;
        }
        else
        {
            _badPacks[pack] = number;
        }
    }

    private void HarmBy(ChunkRun run, SnapshotId id)
    {
        if (_badPacks.TryGetValue(run.Pack.Id, out int all))
        {
            _findings.Harm(all, id);
        }

        if (_badChunks.Count > 0)
        {
            foreach (ChunkEntry chunk in run.Chunks)
            {
                if (_badChunks.TryGetValue((run.Pack.Id, chunk.Frame), out int number))
                {
                    _findings.Harm(number, id);
                }
            }
        }
    }

    /// <summary>By the pack's id and the seed alone, so that the choice is the same whenever and wherever it is made.</summary>
    private bool IsChosen(ObjectId pack)
    {
        if (options.SamplePercent >= 100)
        {
            return true;
        }

        Span<byte> id = stackalloc byte[ObjectId.Size];
        pack.Write(id);
        return XxHash64.HashToUInt64(id, options.Seed) < options.SamplePercent / 100 * ulong.MaxValue;
    }
}
