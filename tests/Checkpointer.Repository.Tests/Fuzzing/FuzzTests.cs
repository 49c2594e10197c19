using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>
/// Mutations of everything that is read from a store, also sealed again with the right key, so that the parsers behind the seals are reached: authenticated is not
/// trusted. Either it reads within its bounds, or it is an error that is meant.
/// </summary>
[Collection(Alone.Name)]
public sealed class FuzzTests : IDisposable
{
    private static readonly string[] Meant = [RepositoryCodes.Damaged, RepositoryCodes.TooNew];
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public void Frame_and_object_headers()
    {
        byte[] frame = new byte[FormatConstants.FrameHeaderSize];
        new FrameHeader(FrameCodec.Lz4, 5000, 4000).Write(frame);
        byte[] header = new byte[FormatConstants.ObjectHeaderSize];
        ObjectHeader.Write(header, ObjectKind.Map, ObjectId.New());
        new Fuzzing(frame).Run(input =>
        {
            if (FrameHeader.TryRead(input, FormatConstants.MaxChunk, out FrameHeader read))
            {
                Assert.InRange(read.RawLength, 1, FormatConstants.MaxChunk);
                Assert.InRange(read.PayloadLength, 1, FormatConstants.MaxChunk);
            }
        });
        new Fuzzing(header).Run(input => Meaning(() => ObjectHeader.Read(input, ObjectKind.Map, "x")));
    }

    [Fact]
    public async Task Map_indexes()
    {
        await using TestRepository test = await SampleAsync();
        (LoadedManifest manifest, byte[] index) = await IndexAsync(test);
        new Fuzzing(index) { Allowance = 16 << 20 }.Run(input => Meaning(() =>
        {
            MapIndex read = MapIndexEncoding.Read(input, manifest.Map.IndexOffset, "maps/x");
            Assert.All(read.Files, f => Assert.True(FileNames.IsValid(f.File.Name) && f.File.Length == f.Segments.Sum(s => s.RawLength)));
        }));
    }

    [Fact]
    public async Task Manifests_that_were_sealed_again()
    {
        await using TestRepository test = await SampleAsync();
        SnapshotId id = Assert.Single(await test.Repository.ListAsync(None)).Id;
        string name = ObjectNames.Manifest(id);
        byte[] json = SealedDocument.Open(test.Repository.Keys, ObjectKind.Manifest, id, test.Memory[name], FormatConstants.MaxManifest, name);
        await new Fuzzing(json) { Allowance = 64 << 20 }.RunAsync(async input =>
        {
            test.Memory[name] = SealedDocument.Make(test.Repository.Keys, ObjectKind.Manifest, id, input);
            SnapshotInfo listed = Assert.Single(await test.Repository.ListAsync(None));
            Assert.True(listed.Damage is not null || (listed.BytesCaptured >= 0 && listed.Content.Node is not null && listed.Content.Labels is not null));
            await MeaningAsync(async () => await (await test.Repository.OpenSnapshotAsync(id, None)).DisposeAsync());
        });
    }

    [Fact]
    public async Task Objects_as_they_lie_in_the_store()
    {
        await using TestRepository test = await SampleAsync();
        SnapshotId id = Assert.Single(await test.Repository.ListAsync(None)).Id;
        await test.Repository.MarkSupersededAsync(id, "x", None);
        string[] names = [.. test.Memory.Names.Where(n => !n.StartsWith("keys/", StringComparison.Ordinal) && n != ObjectNames.Repository)];
        Dictionary<string, byte[]> sound = names.ToDictionary(n => n, n => test.Memory[n]);
        foreach (string name in names)
        {
            await new Fuzzing(sound[name]) { Allowance = 128 << 20 }.RunAsync(async input =>
            {
                test.Memory[name] = input;
                await MeaningAsync(() => ReadAllAsync(test, id));
            });
            test.Memory[name] = sound[name];
        }

        await ReadAllAsync(test, id);
    }

    [Fact]
    public async Task Maps_and_packs_that_were_sealed_again()
    {
        await using TestRepository test = await SampleAsync();
        SnapshotId id = Assert.Single(await test.Repository.ListAsync(None)).Id;
        (LoadedManifest manifest, byte[] index) = await IndexAsync(test);
        string map = ObjectNames.Map(manifest.Map.Id);
        byte[] soundMap = test.Memory[map];
        byte[] soundManifest = test.Memory[ObjectNames.Manifest(id)];

        // The index: the manifest names what it became.
        await new Fuzzing(index) { Allowance = 128 << 20 }.RunAsync(async input =>
        {
            if (input.Length == 0)
            {
                return;
            }

            Reseal(test, id, manifest, soundMap, input);
            await MeaningAsync(() => ReadAllAsync(test, id));
        });
        test.Memory[ObjectNames.Manifest(id)] = soundManifest;

        // A segment: entries that point anywhere.
        MapSegment segment = MapIndexEncoding.Read(index, manifest.Map.IndexOffset, map).Files.First(f => f.Segments.Length > 0).Segments[0];
        byte[] entries = Plain(test, ObjectKind.Map, manifest.Map.Id, soundMap, segment.Offset, segment.Frame);
        await new Fuzzing(entries) { Allowance = 128 << 20 }.RunAsync(async input =>
        {
            byte[] changed = new byte[entries.Length];
            input.AsSpan(0, Math.Min(input.Length, changed.Length)).CopyTo(changed);
            byte[] all = [.. soundMap];
            Seal(test, ObjectKind.Map, manifest.Map.Id, segment.Frame, new FrameHeader(FrameCodec.Raw, changed.Length, changed.Length), changed, all.AsSpan((int)segment.Offset));
            test.Memory[map] = all;
            await MeaningAsync(() => ReadAllAsync(test, id));
        });
        test.Memory[map] = soundMap;

        // A compressed chunk: what LZ4 is given comes from a workload.
        await CompressedChunksAsync(test, id);
    }

    [Fact]
    public void Key_objects_and_key_files()
    {
        string path = Path.Combine(_directory.Path, "key");
        KeyFile key = KeyFile.LoadOrCreate(path);
        using KeyRing ring = new(RandomNumberGenerator.GetBytes(32), ObjectId.New());
        byte[] wrapped = KeyWrapping.Wrap(key, key.Id, ring, "a label", DateTimeOffset.UnixEpoch);
        string id = ObjectId.New().ToString();
        byte[] slow = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(wrapped)
            .Replace("\"keyFile\":\"" + key.Id, "\"passphrase\":\"" + id, StringComparison.Ordinal)
            .Replace("\"hkdf-sha256\"", "\"pbkdf2-hmac-sha512\",\"iterations\":600000", StringComparison.Ordinal));
        new Fuzzing(wrapped, slow).Run(input => Meaning(() =>
        {
            KeyDocument document = KeyWrapping.Parse(key.Id, input);
            KeyWrapping.TrustOf(key.Id, document, ring);
            using KeyRing? opened = document.Kdf == KeyWrapping.Kdf ? KeyWrapping.TryUnwrap(key, key.Id, document) : null;
            Assert.True(opened is null || opened.HasSameMaster(ring));
        }));
        new Fuzzing(slow).Run(input => Meaning(() => Assert.InRange(KeyWrapping.Parse(id, input).Iterations ?? 0, 600_000, 10_000_000), also: "none"));
        byte[] file = File.ReadAllBytes(path);
        string other = Path.Combine(_directory.Path, "other");
        new Fuzzing(file, "a passphrase of words\n"u8.ToArray()).Run(input =>
        {
            File.WriteAllBytes(other, input);
            Meaning(() => KeyFile.Load(other), RepositoryCodes.KeyFileInvalid);
            Meaning(() => Assert.InRange(Passphrase.Load(other).Bytes.Length, 1, Passphrase.MaxLength), RepositoryCodes.PassphraseInvalid);
        });
    }

    [Fact]
    public void Repository_json_with_its_mac_made_again()
    {
        using KeyRing ring = new(RandomNumberGenerator.GetBytes(32), ObjectId.New());
        new Fuzzing(RepositoryConfig.Make(ring)).Run(input => Meaning(() =>
        {
            ConfigDocument document = RepositoryConfig.Parse(input);
            RepositoryConfig.Verify(document, ring);
            Assert.Equal(ring.Repository.ToString(), document.Id);
        }));
    }

    [Fact]
    public async Task Intents_and_markers_that_were_sealed_again()
    {
        await using TestRepository test = await SampleAsync();
        SnapshotId id = Assert.Single(await test.Repository.ListAsync(None)).Id;
        KeyRing keys = test.Repository.Keys;
        ObjectId intent = ObjectId.New();
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(new IntentDocument { Version = 1, Snapshot = id.ToString(), Node = "n", Pid = 7 }, RepositoryJson.Default.IntentDocument);
        IntentStore intents = new(test.Memory, keys);
        await new Fuzzing(json).RunAsync(async input =>
        {
            test.Memory[ObjectNames.Intent(intent)] = SealedDocument.Make(keys, ObjectKind.Intent, intent, input);
            Assert.Single(await intents.ListAsync(None));
        });
        byte[] marker = JsonSerializer.SerializeToUtf8Bytes(new MarkerDocument { Version = 1, Manifest = new string('a', 64), Reason = "r" }, RepositoryJson.Default.MarkerDocument);
        await new Fuzzing(marker).RunAsync(async input =>
        {
            test.Memory[ObjectNames.Superseded(id)] = SealedDocument.Make(keys, ObjectKind.Superseded, id, input);
            Assert.Null(Assert.Single(await test.Repository.ListAsync(None)).Damage);
        });
    }

    public void Dispose() => _directory.Dispose();

    private static void Meaning(Action read, params string[] also)
    {
        try
        {
            read();
        }
        catch (RepositoryException e) when (Meant.Contains(e.Code) || also.Contains(e.Code))
        {
            // Refused as it should be.
        }
    }

    private static async Task MeaningAsync(Func<Task> read)
    {
        try
        {
            await read();
        }
        catch (RepositoryException e) when (Meant.Contains(e.Code))
        {
            // Refused as it should be.
        }
    }

    private static async Task<TestRepository> SampleAsync()
    {
        TestRepository test = await TestRepository.NewAsync();
        byte[] words = TestRepository.Compressible(200_000, 1);
        await using SnapshotWriter writer = await test.BeginAsync(workers: 1);
        writer.Hurry = false;
        test.AppendAll(writer.OpenFile("pages-1.img", FileKind.Pages), [.. words, .. new byte[300_000], .. TestRepository.Random(50_000, 2)]);
        test.AppendAll(writer.OpenFile("core-1.img", FileKind.Pages), words.AsSpan(0, 777));
        writer.OpenFile("empty.img", FileKind.Bytes).Complete();
        await writer.CommitAsync(TestRepository.Content("n"), None);
        return test;
    }

    /// <summary>Everything that there is, a few files of a few chunks at most: what a hostile index claims is not believed for ever.</summary>
    private static async Task ReadAllAsync(TestRepository test, SnapshotId id)
    {
        const int MaxRuns = 64;
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(id, None);
        byte[] buffer = new byte[FileReader.MaxChunk];
        foreach (SnapshotFile file in reader.Files.Take(8))
        {
            using FileReader cursor = reader.OpenFile(file.Name);
            long at = 0;
            for (int i = 0; i < MaxRuns && await cursor.NextRunAsync(buffer.Length, None) is { } run; i++)
            {
                Assert.Equal(at, run.Offset);
                at += run.RawLength;
                Assert.InRange(at, 1, file.Length);
                if (!run.IsZero)
                {
                    await cursor.DecodeAsync(run, buffer, None);
                }
            }
        }

        await reader.LoadHeadsAsync(reader.Files.Take(8).Select(static f => f.Name), None);
    }

    private static async Task<(LoadedManifest Manifest, byte[] Index)> IndexAsync(TestRepository test)
    {
        SnapshotId id = Assert.Single(await test.Repository.ListAsync(None)).Id;
        LoadedManifest manifest = await test.Repository.Store.LoadAsync(id, None);
        byte[] map = test.Memory[ObjectNames.Map(manifest.Map.Id)];
        return (manifest, Plain(test, ObjectKind.Map, manifest.Map.Id, map, manifest.Map.IndexOffset, manifest.Map.IndexFrame));
    }

    private static byte[] Plain(TestRepository test, ObjectKind kind, ObjectId id, byte[] data, long offset, long frame)
    {
        ReadOnlySpan<byte> at = data.AsSpan((int)offset);
        Assert.True(FrameHeader.TryRead(at, FormatConstants.IndexFrame, out FrameHeader header));
        byte[] plain = new byte[header.PayloadLength];
        using FrameCipher cipher = test.Repository.Keys.ForObject(kind, id);
        Assert.True(cipher.TryOpen(frame, header, at[..header.FrameLength], plain));
        return plain;
    }

    private static void Seal(TestRepository test, ObjectKind kind, ObjectId id, long frame, FrameHeader header, ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        using FrameCipher cipher = test.Repository.Keys.ForObject(kind, id);
        cipher.Seal(frame, header, payload, destination[..header.FrameLength]);
    }

    /// <summary>A map with another index, and a manifest that names it.</summary>
    private static void Reseal(TestRepository test, SnapshotId id, LoadedManifest manifest, byte[] soundMap, byte[] index)
    {
        MapReference old = manifest.Map;
        byte[] end = new byte[FormatConstants.EndPayload];
        int indexFrame = index.Length + FormatConstants.FrameOverhead;
        byte[] map = [.. soundMap.AsSpan(0, (int)old.IndexOffset), .. new byte[indexFrame + FormatConstants.EndFrameSize]];
        Seal(test, ObjectKind.Map, old.Id, old.IndexFrame, new FrameHeader(FrameCodec.Raw, index.Length, index.Length), index, map.AsSpan((int)old.IndexOffset));
        BinaryPrimitives.WriteInt64LittleEndian(end, old.IndexFrame + 1);
        BinaryPrimitives.WriteInt64LittleEndian(end.AsSpan(8), old.IndexOffset + indexFrame);
        Seal(test, ObjectKind.Map, old.Id, FormatConstants.EndIndex, new FrameHeader(FrameCodec.End, end.Length, end.Length), end, map.AsSpan((int)old.IndexOffset + indexFrame));
        test.Memory[ObjectNames.Map(old.Id)] = map;
        MapReference reference = old with { Length = map.Length, IndexLength = index.Length, IndexDigest = Convert.ToHexStringLower(SHA256.HashData(index)) };
        SnapshotInfo info = manifest.Info;
        ManifestDocument document = ManifestMapping.Write(
            new SnapshotTarget(id.Lineage, id.Generation, null), null, info.Content, reference, info.Files, info.BytesCaptured, 0);
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.ManifestDocument);
        test.Memory[ObjectNames.Manifest(id)] = SealedDocument.Make(test.Repository.Keys, ObjectKind.Manifest, id, json);
    }

    private static async Task CompressedChunksAsync(TestRepository test, SnapshotId id)
    {
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(id, None);
        using FileReader cursor = reader.OpenFile("pages-1.img");
        ChunkRun run = (await cursor.NextRunAsync(FileReader.MaxChunk, None))!;
        ChunkEntry chunk = run.Chunks[0];
        string name = ObjectNames.Pack(run.Pack.Id);
        byte[] sound = test.Memory[name];
        byte[] payload = Plain(test, ObjectKind.Pack, run.Pack.Id, sound, chunk.Offset, chunk.Frame);
        Assert.Equal((byte)FrameCodec.Lz4, sound[chunk.Offset]);
        byte[] buffer = new byte[FileReader.MaxChunk];
        await new Fuzzing(payload) { Allowance = 16 << 20 }.RunAsync(async input =>
        {
            byte[] changed = new byte[payload.Length];
            input.AsSpan(0, Math.Min(input.Length, changed.Length)).CopyTo(changed);
            byte[] all = [.. sound];
            Seal(test, ObjectKind.Pack, run.Pack.Id, chunk.Frame, new FrameHeader(FrameCodec.Lz4, chunk.RawLength, changed.Length), changed, all.AsSpan(chunk.Offset));
            test.Memory[name] = all;
            await MeaningAsync(() => cursor.DecodeAsync(run, buffer, None));
        });
        test.Memory[name] = sound;
    }
}
