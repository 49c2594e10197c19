using System.Text;
using System.Text.Json;
using K4os.Compression.LZ4;

namespace Checkpointer.Repository.Tests;

/// <summary>
/// Every persisted number, name and derivation of format version 1, written out. A failure here means that repositories in the field can no longer be read:
/// never change an expectation, only add.
/// </summary>
public sealed class FreezeTests
{
    private static readonly ObjectId Repository = ObjectId.Read(Counting(16, 0xA0));
    private static readonly ObjectId Object = ObjectId.Read(Counting(16, 0xB0));
    private static readonly SnapshotId Snapshot = SnapshotId.Parse("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf-258");

    [Fact]
    public void Numbers()
    {
        Assert.Equal(1, FormatConstants.Version);
        Assert.Equal(4096, FormatConstants.PageSize);
        Assert.Equal(2, FormatConstants.MinPages);
        Assert.Equal(32, FormatConstants.MaxPages);
        Assert.Equal(2, FormatConstants.CutBits);
        Assert.Equal(131072, FormatConstants.MaxChunk);
        Assert.Equal("page-sample-1", FormatConstants.ChunkingAlgorithm);
        Assert.Equal("xxh128-seeded", FormatConstants.ChunkHashAlgorithm);
        Assert.Equal(32, FormatConstants.KeySize);
        Assert.Equal(12, FormatConstants.NonceSize);
        Assert.Equal(16, FormatConstants.TagSize);
        Assert.Equal(40, FormatConstants.ObjectHeaderSize);
        Assert.Equal(12, FormatConstants.FrameHeaderSize);
        Assert.Equal(16, FormatConstants.EndPayload);
        Assert.Equal(44, FormatConstants.EndFrameSize);
        Assert.Equal(-1, FormatConstants.EndIndex);
        Assert.Equal(60, FormatConstants.AssociatedDataSize);
        Assert.Equal(67108864, FormatConstants.PackTarget);
        Assert.Equal(int.MaxValue, FormatConstants.MaxPackLength);
        Assert.Equal(36, FormatConstants.EntrySize);
        Assert.Equal(1024, FormatConstants.MaxSegmentEntries);
        Assert.Equal(1073741824, FormatConstants.MaxZeroRun);
        Assert.Equal(1048576, FormatConstants.IndexFrame);
        Assert.Equal(268435456, FormatConstants.MaxIndex);
        Assert.Equal(1000000, FormatConstants.MaxFiles);
        Assert.Equal(4194304, FormatConstants.MaxPacks);
        Assert.Equal(16777216, FormatConstants.MaxSegments);
        Assert.Equal(1099511627776, FormatConstants.MaxMapLength);
        Assert.Equal(67108864, FormatConstants.MaxManifest);
        Assert.Equal(65536, FormatConstants.MaxMarker);
        Assert.Equal(4096, FormatConstants.MaxIntent);
        Assert.Equal(2048, FormatConstants.MaxLeaseNote);
        Assert.Equal(33554432, FormatConstants.MaxMove);
        Assert.Equal(1024, FormatConstants.MaxMoveTargets);
        Assert.Equal(1048576, FormatConstants.MaxMoveEntries);
        Assert.Equal(16, FormatConstants.MoveEntrySize);
        Assert.Equal(16, FormatConstants.MaxMoveDepth);
        Assert.Equal(24, FormatConstants.IntentDeadHours);
        Assert.Equal(20, FormatConstants.IntentMaxHours);
        Assert.Equal(16384, FormatConstants.MaxConfig);
        Assert.Equal(4096, FormatConstants.MaxKeyObject);
        Assert.Equal(255, SnapshotWriter.MaxFileName);
    }

    [Fact]
    public void Persisted_enums_only_grow()
    {
        Assert.Equal("Pack=1 Map=2 Manifest=3 Superseded=4 Intent=5 Move=6 LeaseNote=7", Values<ObjectKind>());
        Assert.Equal("Raw=1 Lz4=2 End=3", Values<FrameCodec>());
        Assert.Equal("Chunk=1 Zero=2", Values<EntryKind>());
        Assert.Equal("Pages=1 Bytes=2", Values<FileKind>());
    }

    [Fact]
    public void Names_of_objects()
    {
        Assert.Equal("repository.json", ObjectNames.Repository);
        Assert.Equal("keys/k", ObjectNames.Key("k"));
        Assert.Equal("packs/b0/b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", ObjectNames.Pack(Object));
        Assert.Equal("maps/b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", ObjectNames.Map(Object));
        Assert.Equal("snapshots/c0c1c2c3c4c5c6c7c8c9cacbcccdcecf/0000000000000102", ObjectNames.Manifest(Snapshot));
        Assert.Equal("snapshots/c0c1c2c3c4c5c6c7c8c9cacbcccdcecf/0000000000000102.superseded", ObjectNames.Superseded(Snapshot));
        Assert.Equal("locks/writers/b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", ObjectNames.Intent(Object));
        Assert.Equal("moves/b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", ObjectNames.Move(Object));
        Assert.Equal("locks/clocks/b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", ObjectNames.Clock(Object));
        Assert.Equal("locks/maintenance locks/roots", $"{ObjectNames.MaintenanceLease} {ObjectNames.RootsLease}");
    }

    [Fact]
    public void Headers()
    {
        Assert.Equal("434b50545041434b 0100 0100 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.Pack));
        Assert.Equal("434b50544d415031 0100 0200 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.Map));
        Assert.Equal("434b5054534e4150 0100 0300 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.Manifest));
        Assert.Equal("434b505453555052 0100 0400 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.Superseded));
        Assert.Equal("434b50544d4f5645 0100 0600 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.Move));
        Assert.Equal("434b50544c4f434b 0100 0700 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.LeaseNote));
        Assert.Equal("434b505457524954 0100 0500 28000000 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0000000000000000", Header(ObjectKind.Intent));

        static string Header(ObjectKind kind)
        {
            byte[] header = new byte[FormatConstants.ObjectHeaderSize];
            ObjectHeader.Write(header, kind, Object);
            Assert.Equal(Object, ObjectHeader.Read(header, kind, "x"));
            return Spaced(header, 8, 2, 2, 4, 16, 8);
        }
    }

    [Fact]
    public void Frame_headers_and_map_entries()
    {
        byte[] frame = new byte[FormatConstants.FrameHeaderSize];
        new FrameHeader(FrameCodec.Lz4, 0x012345, 0x006789).Write(frame);
        Assert.Equal("02 000000 45230100 89670000", Spaced(frame, 1, 3, 4, 4));
        byte[] entry = new byte[FormatConstants.EntrySize];
        UInt128 hash = new(0x1122334455667788, 0x99AABBCCDDEEFF00);
        new ChunkEntry(EntryKind.Chunk, hash, 0x0A0B0C0D, 0x11121314, 0x21222324, 0x00010203, 0x010204).Write(entry);
        Assert.Equal("00ffeeddccbbaa998877665544332211 0d0c0b0a 14131211 24232221 03020100 040201 01", Spaced(entry, 16, 4, 4, 4, 4, 3, 1));
        ChunkEntry.Zero(0x40000000).Write(entry);
        Assert.Equal("00000000000000000000000000000000 00000000 00000000 00000000 00000040 000000 02", Spaced(entry, 16, 4, 4, 4, 4, 3, 1));
    }

    [Fact]
    public void Keys_and_seals()
    {
        using KeyRing keys = new(Counting(32, 0), Repository);
        Assert.Equal("7feedd4a7ed05f6b", keys.ChunkHashSeed.ToString("x16"));
        Assert.Equal("6ee710ce6a48642eb27760adbb73b39b69189847ca97278455d8345ed8e816b9", Hex(keys.ConfigMac("text"u8)));
        Assert.Equal("010000000400000004000000 23545247 05d8a25fa6b34adb81a4815f175679d0", Seal(keys.ForObject(ObjectKind.Pack, Object)));
        Assert.Equal("010000000400000004000000 83e743ee 84d632a8fb091dcc9ad99276f8927dd8", Seal(keys.ForObject(ObjectKind.Map, Object)));
        Assert.Equal("010000000400000004000000 b6766a1c 60b78a83e504eaf56463bbc83be22040", Seal(keys.ForSnapshot(ObjectKind.Manifest, Snapshot, Object)));
        Assert.Equal("010000000400000004000000 f570bd03 b525d91315380837a99a7240d1e925a2", Seal(keys.ForSnapshot(ObjectKind.Superseded, Snapshot, Object)));
        Assert.Equal("010000000400000004000000 3c287dfa 72847b73cc8bd08efc0bd4c7c5f73ba9", Seal(keys.ForObject(ObjectKind.Intent, Object)));
        Assert.Equal("010000000400000004000000 c1f86989 e0d8dec57c02adae031449699b278c91", Seal(keys.ForMove(Object, ObjectId.Read(Counting(16, 0xD0)))));
        Assert.Equal("010000000400000004000000 984c0931 c5cc67b25801b8483512a372a3c49870", Seal(keys.ForObject(ObjectKind.LeaseNote, Object)));

        static string Seal(FrameCipher cipher)
        {
            using (cipher)
            {
                byte[] frame = new byte[4 + FormatConstants.FrameOverhead];
                cipher.Seal(0x0102, new FrameHeader(FrameCodec.Raw, 4, 4), [1, 2, 3, 4], frame);
                return Spaced(frame, 12, 4, 16);
            }
        }
    }

    [Fact]
    public void Wrapped_master_keys()
    {
        using TemporaryDirectory directory = new();
        string path = Path.Combine(directory.Path, "key");
        File.WriteAllText(path, $$"""{"format":"checkpointer-key-file","version":1,"id":"{{new string('1', 32)}}","secret":"{{new string('2', 64)}}"}""");
        string wrapped = $$"""
            {"format":"checkpointer-key","version":1,"keyFile":"{{new string('1', 32)}}","repository":"{{Repository}}","kdf":"hkdf-sha256","salt":"{{new string('3', 32)}}","nonce":"{{new string('4', 24)}}","wrapped":"35ffef1cb62804f1d680db8c39086521c67b3ea8d7c14b83668095f3df00385e60255070fb495281eddbcb5aeda7e18d"}
            """;
        using KeyRing keys = KeyWrapping.Unwrap(KeyFile.Load(path), Encoding.UTF8.GetBytes(wrapped), "here");
        Assert.Equal(Repository, keys.Repository);
        Assert.Equal("6ee710ce6a48642eb27760adbb73b39b69189847ca97278455d8345ed8e816b9", Hex(keys.ConfigMac("text"u8)));
    }

    [Fact]
    public void Keys_of_passphrases_labels_and_references()
    {
        string wrapped = $$"""
            {"format":"checkpointer-key","version":1,"passphrase":"{{new string('1', 32)}}","repository":"{{Repository}}","kdf":"pbkdf2-hmac-sha512","iterations":600000,"salt":"{{new string('3', 32)}}","nonce":"{{new string('4', 24)}}","wrapped":"27a5a84a356aa479b4ea0d70387d9b632ab1c0bffc7e580ea87b8178f742b0a5f168c849a8ea351e4833ff055fc4c21a","label":"a label","created":"2026-01-02T03:04:05Z","infoMac":"1b01e5237b5fc7eb66db92cd6b0fefacec5954bc0ae9533171d61987208b3460"}
            """;
        KeyDocument document = KeyWrapping.Parse(new string('1', 32), Encoding.UTF8.GetBytes(wrapped));
        using KeyRing? keys = KeyWrapping.TryUnwrap(Passphrase.FromText("passphrase", "test"), new string('1', 32), document);
        Assert.Equal("6ee710ce6a48642eb27760adbb73b39b69189847ca97278455d8345ed8e816b9", Hex(keys!.ConfigMac("text"u8)));
        Assert.Equal(wrapped.Trim(), JsonSerializer.Serialize(document, RepositoryJson.Default.KeyDocument));
        Assert.Equal((600_000, 10_000_000, 40_000_000, 64, 64), (KeyWrapping.Iterations, KeyWrapping.MaxIterations, KeyStore.MaxTriedIterations, KeyStore.MaxKeys, KeyLabels.MaxLength));
        Assert.Equal("passphrase-file:", KeyReference.PassphrasePrefix);
    }

    [Fact]
    public void Chunking()
    {
        // A page is a mark by these eight words, and by no others.
        byte[] page = new byte[FormatConstants.PageSize];
        page[1] = 1;
        List<int> marks = [];
        for (int i = 0; i < 64; i++)
        {
            page[0] = (byte)i;
            if (PageScanner.Classify(page) == PageClass.Mark)
            {
                marks.Add(i);
            }
        }

        Assert.Equal("1 3 14 20 26 28 33 35 38 41 42 43 47 50 53 59 61 62 63", string.Join(' ', marks));
        byte[] data = Scrambled(1 << 20);
        data.AsSpan(40 * 4096, 3 * 4096).Clear();
        Assert.Equal("0 1 6 9 23 27 29 31 35 40 43 44 48 52 59 64 71 75 78 84 93 98 101 111 115 117 124 126 139 143 154 156 158 174 177 179 181 184 186 192 195 212 214 220 222 230 233 235 239 246 250 255", string.Join(' ', ChunkerTests.Cut(data).Select(p => p.Offset / 4096)));
        Assert.Equal("1f4fecaa5eecea48191b246d3f40a979", System.IO.Hashing.XxHash128.HashToUInt128(data.AsSpan(0, 30_000), 0x0123456789ABCDEF).ToString("x32"));
    }

    [Fact]
    public void Configuration_and_manifest_json()
    {
        using KeyRing keys = new(Counting(32, 0), Repository);
        Assert.Equal("""{"format":"checkpointer-repository","version":1,"id":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","chunking":{"algorithm":"page-sample-1","pageSize":4096,"minPages":2,"maxPages":32,"cutBits":2},"hash":"xxh128-seeded","mac":"fbd8d1819fc64d2179872be480c89976ac8f56d2d3e53ec160e11bba18608c5b"}""", Encoding.UTF8.GetString(RepositoryConfig.Make(keys)));
        ManifestContent content = new()
        {
            Name = "n",
            Created = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Node = "node",
            Intent = "final",
            Labels = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" },
            Workload = JsonDocument.Parse("""{"x":1}""").RootElement,
        };
        MapReference map = new(Object, 1000, 500, 3, 400, new string('e', 64));
        SnapshotTarget target = new(Snapshot.Lineage, Snapshot.Generation, Snapshot with { Generation = 257 });
        ManifestDocument manifest = ManifestMapping.Write(target, new string('d', 64), content, map, 7, 8, 9);
        Assert.Equal("""{"version":1,"lineage":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf","generation":258,"parent":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf-257","parentDigest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","content":{"name":"n","created":"2026-01-02T03:04:05+00:00","node":"node","intent":"final","labels":{"a":"1","b":"2"},"workload":{"x":1}},"files":7,"bytesCaptured":8,"bytesStored":9,"map":{"id":"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf","length":1000,"indexOffset":500,"indexFrame":3,"indexLength":400,"indexDigest":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}}""", JsonSerializer.Serialize(manifest, RepositoryJson.Default.ManifestDocument));
        ManifestDocument copied = ManifestMapping.Write(target, null, content, map, 7, 8, 9, new SnapshotOrigin(new string('1', 32), new string('2', 64)));
        Assert.Contains("""cf-257","parentDigest":null,"origin":{"repository":"11111111111111111111111111111111","digest":"2222222222222222222222222222222222222222222222222222222222222222"},"content":""", JsonSerializer.Serialize(copied, RepositoryJson.Default.ManifestDocument), StringComparison.Ordinal);
        MarkerDocument marker = new() { Version = 1, Manifest = "m", Reason = "r" };
        Assert.Equal("""{"version":1,"manifest":"m","reason":"r"}""", JsonSerializer.Serialize(marker, RepositoryJson.Default.MarkerDocument));
    }

    [Fact]
    public void Moves()
    {
        byte[] text = PackMove.Write(0x0A0B0C, [new PackReference(ObjectId.Read(Counting(16, 0xD0)), 0x010203)], [(0x28, 0, 0x2C, 5), (0x1122, 0, 0x3344, 6)]);
        Assert.Equal(
            "0c0b0a0000000000 01000000 d0d1d2d3d4d5d6d7d8d9dadbdcdddedf 0302010000000000 02000000 28000000 00000000 2c000000 05000000 22110000 00000000 44330000 06000000",
            Spaced(text, 8, 4, 16, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4));
        PackMove move = PackMove.Read(Object, text, "x");
        Assert.True(move.TryFind(0x1122, out (PackReference Pack, int Offset, int Frame) place));
        Assert.Equal((0x010203, 0x3344, 6), (place.Pack.Length, place.Offset, place.Frame));
        Assert.False(move.TryFind(0x29, out _));
        LeaseDocument lease = new() { Version = 1, Purpose = "prune", Node = "n", Pid = 7, StartTime = 8, BootId = "b", PidNamespace = 9 };
        Assert.Equal("""{"version":1,"purpose":"prune","node":"n","pid":7,"startTime":8,"bootId":"b","pidNamespace":9}""", JsonSerializer.Serialize(lease, RepositoryJson.Default.LeaseDocument));
    }

    [Fact]
    public void Intent_json()
    {
        IntentDocument intent = new()
        {
            Version = 1,
            Snapshot = Snapshot.ToString(),
            Map = ManifestMapping.WriteMap(new MapReference(Object, 1000, 500, 3, 400, new string('e', 64))),
            Node = "n",
            Pid = 7,
            StartTime = 8,
            BootId = "b",
            PidNamespace = 9,
        };
        Assert.Equal("""{"version":1,"snapshot":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf-258","map":{"id":"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf","length":1000,"indexOffset":500,"indexFrame":3,"indexLength":400,"indexDigest":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"},"node":"n","pid":7,"startTime":8,"bootId":"b","pidNamespace":9}""", JsonSerializer.Serialize(intent, RepositoryJson.Default.IntentDocument));
    }

    [Fact]
    public void A_compressed_block_of_version_1_is_decoded()
    {
        byte[] block = Convert.FromHexString("1f410100ffff5a507a7a7a7a7a");
        byte[] raw = new byte[4096];
        int length = LZ4Codec.Decode(block, raw);
        Assert.Equal("625 0715825c74959083fb21eff63e6c3ab883781cff5c9fa2acd6b8ec87a79354bd", $"{length} {Hex(System.Security.Cryptography.SHA256.HashData(raw.AsSpan(0, Math.Max(0, length))))}");
    }

    private static byte[] Counting(int length, int start) => [.. Enumerable.Range(start, length).Select(i => (byte)i)];

    /// <summary>Bytes by a generator of our own, so that no library can change them.</summary>
    internal static byte[] Scrambled(int length)
    {
        byte[] data = new byte[length];
        ulong state = 1;
        for (int i = 0; i < length; i += 8)
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            BitConverter.TryWriteBytes(data.AsSpan(i), state ^ (state >> 29));
        }

        return data;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static string Spaced(ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> lengths)
    {
        StringBuilder text = new();
        foreach (int length in lengths)
        {
            text.Append(text.Length == 0 ? "" : " ").Append(Hex(bytes[..length]));
            bytes = bytes[length..];
        }

        Assert.Equal(0, bytes.Length);
        return text.ToString();
    }

    private static string Values<T>()
        where T : struct, Enum =>
        string.Join(' ', Enum.GetValues<T>().Select(v => $"{v}={Convert.ToInt32(v)}"));
}
