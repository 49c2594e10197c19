using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>
/// Collects the entries that workers produce, puts them in the order of the file, and flushes them as sealed segments while the capture runs, so that memory
/// does not grow with the image (but for the index, 24 bytes per 21 MiB). Thread-safe.
/// </summary>
internal sealed class MapWriter(IBackend backend, KeyRing keys, WriterCounters counters, Func<CheckpointerException?> failure, CancellationToken cancellationToken) : IDisposable
{
    /// <summary>Entries of all files that are in no segment; the fullest file is flushed beyond it.</summary>
    internal const int MaxPending = 64 << 10;

    /// <summary>Entries that wait for an earlier block of their file; workers wait beyond it.</summary>
    internal const int MaxEarly = 64 << 10;

    /// <summary>Bytes handed to the store at once.</summary>
    internal const int BufferBytes = 128 << 10;

    private const int EntryBytes = 48;

    private readonly object _gate = new();
    private readonly HashSet<FileWriter> _files = [];
    private readonly byte[] _segment = new byte[FormatConstants.MaxSegmentEntries * FormatConstants.EntrySize];
    private FrameUpload? _open;
    private int _pending;
    private int _early;
    private int _segments;

    /// <summary>Bytes that a map writer holds at most, without the index.</summary>
    public static long MemoryBytes => ((long)(MaxPending + MaxEarly) * EntryBytes * 2) + FrameUpload.BufferSize(BufferBytes, FormatConstants.IndexFrame);

    /// <summary>Adds the entries of one work item (possibly none). May wait while too many results are early, unless this is the one that is waited for.</summary>
    public void Add(FileWriter file, long sequence, ReadOnlySpan<ChunkEntry> entries)
    {
        lock (_gate)
        {
            MapFile map = file.Map;
            while (sequence != map.Next && _early > MaxEarly)
            {
                ThrowIfFailed();
                Monitor.Wait(_gate);
            }

            _files.Add(file);
            if (sequence != map.Next)
            {
                map.Early.Add(sequence, entries.ToArray());
                _early += entries.Length;
                return;
            }

            AppendLocked(map, entries);
            map.Next++;
            bool freed = false;
            while (map.Early.Remove(map.Next, out ChunkEntry[]? next))
            {
                _early -= next.Length;
                freed = true;
                AppendLocked(map, next);
                map.Next++;
            }

            if (freed || _early > MaxEarly)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Lets waiting workers see that the writer failed.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Flushes everything, writes the index and commits the object. All packs are committed and all results were added.</summary>
    public MapReference Finish(IReadOnlyList<FileWriter> files, IReadOnlyList<(ObjectId Id, long Length)> packs)
    {
        lock (_gate)
        {
            foreach (FileWriter file in files)
            {
                if (file.Map.Early.Count > 0)
                {
                    throw new InvalidOperationException($"a part of the file '{file.Name}' was never added to the map");
                }

                FlushLocked(file.Map);
            }

            byte[] index = MapIndexEncoding.Write(files, packs);
            FrameUpload map = OpenLocked();
            long offset = map.Length;
            long frame = map.Frames;
            for (int at = 0; at < index.Length; at += FormatConstants.IndexFrame)
            {
                ReadOnlySpan<byte> part = index.AsSpan(at, Math.Min(FormatConstants.IndexFrame, index.Length - at));
                map.Append(FrameCodec.Raw, part.Length, part);
            }

            long length = map.Commit();
            return new MapReference(map.Id, length, offset, frame, index.Length, Convert.ToHexStringLower(SHA256.HashData(index)));
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _open?.Dispose();
            _open = null;
        }
    }

    private void ThrowIfFailed()
    {
        if (failure() is { } error)
        {
            throw error;
        }
    }

    private void AppendLocked(MapFile file, ReadOnlySpan<ChunkEntry> entries)
    {
        foreach (ref readonly ChunkEntry entry in entries)
        {
            file.PendingBytes += entry.RawLength;
            if (entry.Kind == EntryKind.Zero && MergeZero(file.Pending, entry.RawLength))
            {
                continue;
            }

            file.Pending.Add(entry);
            _pending++;
            if (file.Pending.Count == FormatConstants.MaxSegmentEntries)
            {
                FlushLocked(file);
            }
        }

        while (_pending > MaxPending)
        {
            FlushLocked(_files.MaxBy(f => f.Map.Pending.Count)!.Map);
        }
    }

    private static bool MergeZero(List<ChunkEntry> pending, int rawLength)
    {
        if (pending.Count == 0)
        {
            return false;
        }

        ChunkEntry last = pending[^1];
        if (last.Kind != EntryKind.Zero || (long)last.RawLength + rawLength > FormatConstants.MaxZeroRun)
        {
            return false;
        }

        pending[^1] = ChunkEntry.Zero(last.RawLength + rawLength);
        return true;
    }

    private void FlushLocked(MapFile file)
    {
        int count = file.Pending.Count;
        if (count == 0)
        {
            return;
        }

        if (++_segments > FormatConstants.MaxSegments)
        {
            throw new RepositoryException(RepositoryCodes.LimitExceeded, $"the snapshot needs more than {FormatConstants.MaxSegments} map segments");
        }

        Span<byte> segment = _segment.AsSpan(0, count * FormatConstants.EntrySize);
        ReadOnlySpan<ChunkEntry> entries = CollectionsMarshal.AsSpan(file.Pending);
        for (int i = 0; i < count; i++)
        {
            entries[i].Write(segment[(i * FormatConstants.EntrySize)..]);
        }

        FrameUpload map = OpenLocked();
        file.Segments.Add(new MapSegment(map.Length, (int)map.Frames, count, file.PendingBytes));
        map.Append(FrameCodec.Raw, segment.Length, segment);
        file.Pending.Clear();
        file.PendingBytes = 0;
        _pending -= count;
    }

    private FrameUpload OpenLocked() => _open ??= new FrameUpload(
        backend,
        keys,
        ObjectKind.Map,
        ObjectId.New(),
        new byte[FrameUpload.BufferSize(BufferBytes, FormatConstants.IndexFrame)],
        counters,
        cancellationToken);
}
