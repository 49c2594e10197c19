namespace Checkpointer.Repository;

/// <summary>
/// Copies the living frames of packs into new packs, sealed anew. For each old pack, in this order: the new packs that hold its frames are durable, its move is put, the old
/// pack is deleted. Killed anywhere, it leaves new packs that nothing names, or an old pack beside its move; the next prune removes either.
/// </summary>
internal sealed class PackRewriter(IBackend backend, KeyRing keys, WriterIntent intent, TimeProvider time, CancellationToken cancellationToken) : IDisposable
{
    private const int BufferBytes = 512 << 10;

    private readonly byte[] _buffer = new byte[FrameUpload.BufferSize(BufferBytes, FormatConstants.MaxChunk)];
    private readonly byte[] _payload = new byte[FormatConstants.MaxChunk];
    private readonly WriterCounters _counters = new(time);
    private readonly List<PackReference> _targets = [];
    private readonly List<Pending> _waiting = [];
    private FrameUpload? _open;

    public int Packs { get; private set; }

    public long BytesFreed { get; private set; }

    public long BytesWritten { get; private set; }

    public List<Finding> Findings { get; } = [];

    /// <summary>Copies what is in use of one pack. A pack that turns out to be damaged is left as it is, and becomes a finding.</summary>
    public async Task RewriteAsync(ObjectId pack, long length, PackUse use)
    {
        Pending pending = new(pack, length);
        try
        {
            using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, pack);
            await PackFrames.WalkAsync(backend, keys, pack, length, Visit, cancellationToken).ConfigureAwait(false);
            if (pending.Entries.Count != use.LiveFrames)
            {
                throw Damage.Of(ObjectNames.Pack(pack), "frames that maps name are not where they say");
            }

            _waiting.Add(pending);

            void Visit(int index, int offset, FrameHeader header, ReadOnlySpan<byte> frame)
            {
                if (!use.IsLive(index))
                {
                    return;
                }

                Span<byte> payload = _payload.AsSpan(0, header.PayloadLength);
                if (!cipher.TryOpen(index, header, frame, payload))
                {
                    throw Damage.Of(ObjectNames.Pack(pack), $"frame {index} at {offset} is not authentic");
                }

                pending.Entries.Add(Append(offset, header, payload));
            }
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.Damaged && e.ObjectName == ObjectNames.Pack(pack))
        {
            Findings.Add(new Finding(
                e.Code, FindingSeverity.Blocker, e.ObjectName!, e.Message, "an intact pack", "run 'checkpointer check --data' to see which snapshots are harmed; the pack was left as it is"));
        }

        await SettleAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the last new pack, and with it the packs that wait for it.</summary>
    public async Task FinishAsync()
    {
        Commit();
        await SettleAsync().ConfigureAwait(false);
    }

    public void Dispose() => _open?.Dispose();

    /// <summary>The new packs are numbered over the whole run; a move names only its own.</summary>
    private (int Old, int Target, int Offset, int Frame) Append(int oldOffset, FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (_open is not null && _open.Length + header.FrameLength + FormatConstants.EndFrameSize > FormatConstants.PackTarget)
        {
            Commit();
        }

        _open ??= new FrameUpload(backend, keys, ObjectKind.Pack, ObjectId.New(), _buffer, _counters, cancellationToken);
        (int, int, int, int) entry = (oldOffset, _targets.Count, (int)_open.Length, (int)_open.Frames);
        _open.Append(header.Codec, header.RawLength, payload);
        return entry;
    }

    private void Commit()
    {
        if (_open is { } pack)
        {
            long length = pack.Commit();
            _targets.Add(new PackReference(pack.Id, length));
            BytesWritten += length;
            _open = null;
            pack.Dispose();
        }
    }

    /// <summary>Puts the moves whose new packs are all durable, then deletes the old packs.</summary>
    private async Task SettleAsync()
    {
        List<Pending> ready = [.. _waiting.Where(p => p.Entries.All(e => e.Target < _targets.Count))];
        if (ready.Count == 0)
        {
            return;
        }

        // From here on the new packs are named: were our intent gone, a prune could have taken them for leftovers.
        await intent.VerifyStandsAsync(cancellationToken).ConfigureAwait(false);
        foreach (Pending old in ready)
        {
            _waiting.Remove(old);
            int[] numbers = [.. old.Entries.Select(e => e.Target).Distinct()];
            List<PackReference> targets = [.. numbers.Select(n => _targets[n])];
            byte[] text = PackMove.Write(old.Length, targets, [.. old.Entries.Select(e => (e.Old, Array.IndexOf(numbers, e.Target), e.Offset, e.Frame))]);
            byte[] move = SealedDocument.MakeMove(keys, old.Pack, text);
            string name = ObjectNames.Move(old.Pack);
            if (!await Task.Run(() => backend.Put(name, move, cancellationToken), cancellationToken).ConfigureAwait(false))
            {
                // Another prune rewrote it at the same time; ours is not named, and goes with the next prune.
                continue;
            }

            await backend.DeleteAsync(ObjectNames.Pack(old.Pack), cancellationToken).ConfigureAwait(false);
            Packs++;
            BytesFreed += old.Length;
        }
    }

    private sealed class Pending(ObjectId pack, long length)
    {
        public ObjectId Pack => pack;

        public long Length => length;

        public List<(int Old, int Target, int Offset, int Frame)> Entries { get; } = [];
    }
}
