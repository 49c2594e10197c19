using System.IO.Hashing;
using Checkpointer;
using Checkpointer.Bench;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Checkpointer.Testing;

// Usage: Checkpointer.Bench [DIRECTORY]   (a directory on tmpfs shows the program, one on a disk shows the disk)
//        Checkpointer.Bench files DIRECTORY MEBIBYTES   (what a container's files cost while it is frozen, stored before or not)
//        Checkpointer.Bench restore CHECKOUT FOLDER MEMORY PID ROUNDS   (by bench/restore.sh)
if (args is ["restore", var checkout, var folder, var memory, var pid, var rounds])
{
    await using RestoreBench bench = new(checkout, folder, ByteSize.Parse(memory));
    await bench.RunAsync(int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture), int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture));
    return;
}

if (args is ["files", var where, var mebibytes])
{
    await FilesBench.RunAsync(where, int.Parse(mebibytes, System.Globalization.CultureInfo.InvariantCulture));
    return;
}

const int Size = 256 << 20;
string place = args.Length > 0 ? args[0] : "/dev/shm";
DirectoryInfo directory = Directory.CreateDirectory(Path.Combine(place, $"checkpointer-bench-{Environment.ProcessId}"));
try
{
    byte[] random = Data.Random(Size);
    byte[] code = Data.Code(Size);
    byte[] mixed = Data.Mixed(Size);
    Meter.Header();
    Stages(random);
    foreach ((string name, byte[] data) in (IEnumerable<(string, byte[])>)[("random", random), ("code", code), ("mixed", mixed)])
    {
        await WholeAsync(name, data, directory.FullName);
    }
}
finally
{
    directory.Delete(recursive: true);
}

static void Stages(byte[] data)
{
    Meter.Measure("chunker with zero test", data.Length, () => Chunks(data, _ => { }));
    Meter.Measure("chunker + XxHash128", data.Length, () => Chunks(data, static chunk => XxHash128.HashToUInt128(chunk, 1)));
    byte[] sealedFrame = new byte[FormatConstants.MaxFrame];
    using KeyRing keys = new(new byte[FormatConstants.KeySize], ObjectId.New());
    using FrameCipher cipher = keys.ForObject(ObjectKind.Pack, ObjectId.New());
    long index = 0;
    Meter.Measure("chunker + XxHash128 + seal (one core)", data.Length, () => Chunks(data, chunk =>
    {
        XxHash128.HashToUInt128(chunk, 1);
        cipher.Seal(index++, new FrameHeader(FrameCodec.Raw, chunk.Length, chunk.Length), chunk, sealedFrame.AsSpan(0, chunk.Length + FormatConstants.FrameOverhead));
    }));
}

static void Chunks(byte[] data, ChunkAction action)
{
    for (int at = 0; at < data.Length; at += BlockPool.BlockSize)
    {
        ReadOnlySpan<byte> block = data.AsSpan(at, BlockPool.BlockSize);
        Chunker chunker = new(previousIsMark: false);
        while (chunker.Next(block, out Piece piece))
        {
            if (!piece.IsZero)
            {
                action(block.Slice(piece.Offset, piece.Length));
            }
        }
    }
}

static async Task WholeAsync(string name, byte[] data, string directory)
{
    KeyFile key = KeyFile.LoadOrCreate(Path.Combine(directory, "key"));
    using BlockPool pool = new(64L << 20);
    pool.Prefault(CancellationToken.None);
    foreach ((string kind, bool hurry, int workers) in (IEnumerable<(string, bool, int)>)[("raw", true, 1), ("raw", true, 2), ("LZ4", false, 2)])
    {
        await using CheckpointRepository nowhere = await CheckpointRepository.InitAsync(new NullBackend(new MemoryBackend()), key, CancellationToken.None);
        Meter.Measure($"write {name}, {kind}, {workers} workers, to nowhere", data.Length, () => Write(nowhere, pool, data, hurry, workers));
    }

    string path = Path.Combine(directory, name);
    await using CheckpointRepository repository = await CheckpointRepository.InitAsync(new DirectoryBackend(path), key, CancellationToken.None);
    foreach ((string kind, bool hurry) in (IEnumerable<(string, bool)>)[("hurry", true), ("no hurry", false)])
    {
        SnapshotInfo? info = null;
        Meter.Measure($"write {name}, {kind}, 2 workers, directory", data.Length, () =>
        {
            Clear(path);
            info = Write(repository, pool, data, hurry, 2);
        });
        Console.WriteLine($"  stored {info!.BytesStored * 100.0 / data.Length:F1} %");
        byte[] buffer = new byte[data.Length];
        Meter.Measure($"read {name} ({kind}), directory", data.Length, () => ReadAsync(repository, info, buffer).GetAwaiter().GetResult());
        if (!buffer.AsSpan().SequenceEqual(data))
        {
            throw new InvalidOperationException("what was read is not what was written");
        }
    }
}

static void Clear(string path)
{
    foreach (string folder in (string[])["packs", "maps", "snapshots"])
    {
        if (Directory.Exists(Path.Combine(path, folder)))
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(path, folder), "*", SearchOption.AllDirectories))
            {
                File.Delete(file);
            }
        }
    }
}

static SnapshotInfo Write(CheckpointRepository repository, BlockPool pool, byte[] data, bool hurry, int workers) =>
    WriteAsync(repository, pool, data, hurry, workers).GetAwaiter().GetResult();

static async Task<SnapshotInfo> WriteAsync(CheckpointRepository repository, BlockPool pool, byte[] data, bool hurry, int workers)
{
    await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool, Workers = workers }, CancellationToken.None);
    writer.Hurry = hurry;
    FileWriter file = writer.OpenFile("pages", FileKind.Pages);
    for (int at = 0; at < data.Length; at += BlockPool.BlockSize)
    {
        Block block = pool.Rent(CancellationToken.None);
        data.AsSpan(at, BlockPool.BlockSize).CopyTo(block.Span);
        block.Length = BlockPool.BlockSize;
        file.Append(block);
    }

    file.Complete();
    return await writer.CommitAsync(new ManifestContent { Created = DateTimeOffset.UnixEpoch, Node = "bench", Intent = "final" }, CancellationToken.None);
}

static async Task ReadAsync(CheckpointRepository repository, SnapshotInfo info, byte[] buffer)
{
    await using SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, CancellationToken.None);
    using FileReader file = reader.OpenFile("pages");
    List<Task> decodes = [];
    while (await file.NextRunAsync(BlockPool.BlockSize, CancellationToken.None) is { } run)
    {
        decodes.Add(file.DecodeAsync(run, buffer.AsMemory((int)run.Offset, run.RawLength), CancellationToken.None));
    }

    await Task.WhenAll(decodes);
}

internal delegate void ChunkAction(ReadOnlySpan<byte> chunk);
