using System.Security.Cryptography;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>
/// The map of a parent of any size without its data: chunk number N of the image has a hash that follows from N. Chunks of 21 KiB, as real ones on average;
/// files of equal length, their segments mixed in the object as they are when processes are dumped side by side.
/// </summary>
internal sealed class SyntheticParent : IDisposable
{
    public const int RawLength = 21 << 10;
    private const int Files = 4;
    private const int FrameLength = RawLength + FormatConstants.FrameOverhead;
    private const int PerPack = (FormatConstants.PackTarget - 4096) / FrameLength;

    private readonly KeyRing _keys = new(RandomNumberGenerator.GetBytes(FormatConstants.KeySize), ObjectId.New());
    private readonly IBackend _backend;

    /// <param name="segments">Of 1024 chunks each.</param>
    /// <param name="backend">Null: in memory.</param>
    public SyntheticParent(int segments, IBackend? backend = null)
    {
        _backend = backend ?? Memory;
        Chunks = (long)segments * FormatConstants.MaxSegmentEntries;
        PackReference[] packs = new PackReference[(Chunks / PerPack) + 1];
        for (int i = 0; i < packs.Length; i++)
        {
            packs[i] = new PackReference(ObjectId.New(), FormatConstants.PackTarget);
        }

        ObjectId map = ObjectId.New();
        WriterCounters counters = new(TimeProvider.System);
        byte[] buffer = new byte[FrameUpload.BufferSize(MapWriter.BufferBytes, FormatConstants.IndexFrame)];
        byte[] plain = new byte[FormatConstants.MaxSegmentEntries * FormatConstants.EntrySize];
        MapSegment[][] files = [.. Enumerable.Range(0, Files).Select(_ => new MapSegment[segments / Files])];
        using FrameUpload upload = new(_backend, _keys, ObjectKind.Map, map, buffer, counters, CancellationToken.None);
        for (int s = 0; s < segments / Files; s++)
        {
            for (int f = 0; f < Files; f++)
            {
                long first = (((long)f * (segments / Files)) + s) * FormatConstants.MaxSegmentEntries;
                for (int i = 0; i < FormatConstants.MaxSegmentEntries; i++)
                {
                    Entry(first + i).Write(plain.AsSpan(i * FormatConstants.EntrySize));
                }

                files[f][s] = new MapSegment(upload.Length, (int)upload.Frames, FormatConstants.MaxSegmentEntries, FormatConstants.MaxSegmentEntries * (long)RawLength);
                upload.Append(FrameCodec.Raw, plain.Length, plain);
            }
        }

        upload.Commit();
        long length = Chunks / Files * RawLength;
        Layout = new ParentLayout(
            map, new MapIndex(packs, [.. files.Select((s, f) => new MapIndexFile(new SnapshotFile(FileName(f), FileKind.Pages, length), s))]));
        MapName = ObjectNames.Map(map);
    }

    public MemoryBackend Memory { get; } = new();

    public ParentLayout Layout { get; }

    public string MapName { get; }

    public long Chunks { get; }

    public static string FileName(int number) => $"pages-{number + 1}.img";

    /// <summary>The hash of the image's chunk with that number.</summary>
    public static UInt128 Hash(long chunk) => new(Mix((ulong)chunk), Mix((ulong)chunk ^ 0xA5A5_5A5A_1234_8765));

    /// <summary>As the writer opens it.</summary>
    public async Task<ParentSearch> OpenAsync(long memory, IBackend? through = null)
    {
        IBackend backend = through ?? _backend;
        ParentPacks packs = new(Layout.Packs, [.. Layout.Packs.Select(static _ => true)]);
        packs.Attach(new PackTable());
        ParentScan scan = new(backend, _keys, Layout, packs, new ReuseBudget(memory, 0));
        if (scan.Whole)
        {
            return new ParentSearch(packs, await scan.ReadWholeAsync(CancellationToken.None), null, null);
        }

        (ResidentTable table, SampleTable samples, ParentWindow window) = await scan.ReadWindowAsync(CancellationToken.None);
        Assert.True(table.MemoryBytes + samples.MemoryBytes <= memory);
        SegmentLoader loader = new(window, () => new SegmentReader(backend, _keys, Layout), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        return new ParentSearch(packs, table, window, loader);
    }

    public void Dispose() => _keys.Dispose();

    private static ChunkEntry Entry(long chunk) =>
        new(
            EntryKind.Chunk,
            Hash(chunk),
            (int)(chunk / PerPack),
            FormatConstants.ObjectHeaderSize + ((int)(chunk % PerPack) * FrameLength),
            (int)(chunk % PerPack),
            RawLength,
            FrameLength);

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
