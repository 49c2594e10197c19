using System.Text.Json;
using Checkpointer.Platform;
using CsCheck;

namespace Checkpointer.Repository.Tests;

public sealed class RoundTripTests
{
    private const int Page = 4096;

    // Files as workloads have them: runs of zero, random, repeated and compressible pages, and an odd rest.
    private static readonly Gen<byte[]> AnyFile = Gen.Select(
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 80], Gen.Int).List[0, 12],
        Gen.Int[0, Page - 1],
        (runs, rest) => Build(runs, rest));

    [Fact]
    public Task Any_set_of_files_reads_back_as_it_was_written() =>
        Gen.Select(AnyFile.List[0, 6], Gen.Int[1, BlockPool.BlockSize], Gen.Bool).SampleAsync(
            async (files, piece, small) =>
            {
                await using TestRepository test = await TestRepository.NewAsync();
                SnapshotInfo info;
                await using (SnapshotWriter writer = test.Begin())
                {
                    for (int i = 0; i < files.Count; i++)
                    {
                        WriteInPieces(test, writer.OpenFile($"file-{i}", small ? FileKind.Bytes : FileKind.Pages), files[i], piece, small);
                    }

                    info = await writer.CommitAsync(TestRepository.Content("n"), CancellationToken.None);
                    Assert.Equal(files.Sum(f => (long)f.Length), info.BytesCaptured);
                    Assert.Equal(files.Sum(f => (long)f.Length), writer.Progress.BytesCaptured);
                    Assert.Equal(info.BytesStored, writer.Progress.BytesStored);
                }

                await using CheckpointRepository again = await test.ReopenAsync();
                await using SnapshotReader reader = await again.OpenSnapshotAsync(info.Id, CancellationToken.None);
                Assert.Equal(files.Count, reader.Files.Count);
                for (int i = 0; i < files.Count; i++)
                {
                    Assert.Equal(files[i], await TestRepository.ReadAsync(reader, $"file-{i}"));
                }

                CheckReport report = await again.CheckAsync(data: true, null, CancellationToken.None);
                Assert.Empty(report.Findings);
            },
            iter: 60, threads: 2);

    [Fact]
    public async Task The_manifest_brings_back_what_the_caller_said()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo parent = await test.SnapshotAsync(1, "first");
        ManifestContent content = new()
        {
            Name = "second",
            Created = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)),
            Node = "node-b",
            Intent = "running",
            Labels = new Dictionary<string, string> { ["team"] = "x", ["a"] = "ü" },
            Workload = JsonDocument.Parse("""{"pids":[1,2],"deep":{"x":null}}""").RootElement,
        };
        await using SnapshotWriter writer = test.Begin(2, parent.Id);
        SnapshotInfo committed = await writer.CommitAsync(content, CancellationToken.None);

        SnapshotInfo read = (await test.Repository.ListAsync(CancellationToken.None))[1];
        Assert.Equal(committed.Digest, read.Digest);
        Assert.Equal(parent.Id, read.Parent);
        Assert.Equal(parent.Digest, read.ParentDigest);
        Assert.Equal("second", read.Content.Name);
        Assert.Equal(content.Created, read.Content.Created);
        Assert.Equal("node-b", read.Content.Node);
        Assert.Equal("running", read.Content.Intent);
        Assert.Equal(content.Labels.OrderBy(l => l.Key), read.Content.Labels.OrderBy(l => l.Key));
        Assert.Equal("""{"pids":[1,2],"deep":{"x":null}}""", read.Content.Workload.GetRawText());
        Assert.Equal(committed.BytesStored, read.BytesStored);
        Assert.Null(read.Damage);
    }

    [Fact]
    public async Task Zeroes_take_no_room_and_come_as_long_runs()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo info = await test.SnapshotAsync(1, null, ("zeroes", new byte[40 << 20]));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, CancellationToken.None);
        using FileReader file = reader.OpenFile("zeroes");
        ChunkRun? run = await file.NextRunAsync(FileReader.MaxChunk, CancellationToken.None);
        Assert.NotNull(run);
        Assert.True(run.IsZero);
        Assert.Equal(40 << 20, run.RawLength);
        Assert.Null(await file.NextRunAsync(FileReader.MaxChunk, CancellationToken.None));
        Assert.True(info.BytesStored < 2000, $"{info.BytesStored} bytes for zeroes");
        Assert.DoesNotContain(test.Memory.Names, n => n.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Runs_are_as_long_as_the_caller_allows()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Random(8 << 20, 1);
        SnapshotInfo info = await test.SnapshotAsync(1, null, ("f", data));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, CancellationToken.None);
        using FileReader file = reader.OpenFile("f");
        int runs = 0;
        while (await file.NextRunAsync(1 << 20, CancellationToken.None) is { } run)
        {
            Assert.InRange(run.RawLength, 1, 1 << 20);
            runs++;
        }

        Assert.InRange(runs, 8, 20);
    }

    private static void WriteInPieces(TestRepository test, FileWriter file, byte[] data, int piece, bool small)
    {
        // Tiny pieces of big files would only take time.
        piece = Math.Max(piece, data.Length / 64);
        for (int at = 0; at < data.Length; at += piece)
        {
            ReadOnlySpan<byte> part = data.AsSpan(at, Math.Min(piece, data.Length - at));
            if (small)
            {
                file.Write(part);
            }
            else
            {
                TestRepository.Append(test.Pool, file, part);
            }
        }

        file.Complete();
    }

    private static byte[] Build(List<(int Kind, int Pages, int Seed)> runs, int rest)
    {
        using MemoryStream stream = new();
        foreach ((int kind, int pages, int seed) in runs)
        {
            stream.Write(kind switch
            {
                0 => new byte[pages * Page],
                1 => TestRepository.Random(pages * Page, seed),
                2 => [.. Enumerable.Repeat(TestRepository.Random(Page, seed), pages).SelectMany(p => p)],
                _ => TestRepository.Compressible(pages * Page, seed),
            });
        }

        stream.Write(TestRepository.Random(rest, rest));
        return stream.ToArray();
    }
}
