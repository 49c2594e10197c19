using System.Text.Json;
using Checkpointer.Platform;

namespace Checkpointer.Repository.Tests;

/// <summary>
/// A repository of every format version that was ever released is kept as files and stays readable for ever. Fixtures/v1 was written by the first program;
/// it is never written again (a new version gets a new folder by <see cref="Write_a_fixture"/>).
/// </summary>
public sealed class FixtureTests
{
    private const string Folder = "CHECKPOINTER_FIXTURE";
    private static readonly LineageId Lineage = LineageId.Parse("00112233445566778899aabbccddeeff");

    private static CancellationToken None => CancellationToken.None;

    [Theory]
    [InlineData("v1")]
    public async Task A_repository_of_an_earlier_version_is_read(string version)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Fixtures", version);
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(
            new DirectoryBackend(Path.Combine(folder, "repository")), KeyFile.Load(Path.Combine(folder, "key")), None);
        IReadOnlyList<SnapshotInfo> list = await repository.ListAsync(None);
        Assert.Equal([1L, 2L], list.Select(s => s.Id.Generation));
        Assert.True(list[0].Superseded);
        Assert.False(list[1].Superseded);
        Assert.Equal(list[0].Digest, list[1].ParentDigest);
        Assert.Equal("fixture", list[1].Content.Name);
        Assert.Equal("v", list[1].Content.Labels["k"]);
        Assert.Equal("""{"x":[1,2]}""", list[1].Content.Workload.GetRawText());
        foreach (SnapshotInfo info in list)
        {
            await using SnapshotReader reader = await repository.OpenSnapshotAsync(info.Id, None);
            foreach ((string name, byte[] data) in Files(info.Id.Generation))
            {
                Assert.Equal(data, await TestRepository.ReadAsync(reader, name));
            }
        }

        Assert.Empty((await repository.CheckAsync(data: true, null, None)).Findings);
    }

    [Fact(Explicit = true)]
    public async Task Write_a_fixture()
    {
        string folder = Environment.GetEnvironmentVariable(Folder) ?? throw new InvalidOperationException($"set {Folder} to a new folder");
        KeyFile key = KeyFile.LoadOrCreate(Path.Combine(folder, "key"));
        await using CheckpointRepository repository = await CheckpointRepository.InitAsync(new DirectoryBackend(Path.Combine(folder, "repository")), key, None);
        using BlockPool pool = TestRepository.NewPool(8);
        SnapshotId? parent = null;
        foreach (long generation in (long[])[1, 2])
        {
            await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(Lineage, generation, parent), new WriterOptions { Pool = pool, Workers = 1 }, CancellationToken.None);
            writer.Hurry = false;
            foreach ((string name, byte[] data) in Files(generation))
            {
                FileWriter file = writer.OpenFile(name, name.StartsWith("pages", StringComparison.Ordinal) ? FileKind.Pages : FileKind.Bytes);
                if (file.Kind == FileKind.Pages)
                {
                    TestRepository.Append(pool, file, data);
                }
                else
                {
                    file.Write(data);
                }

                file.Complete();
            }

            SnapshotInfo info = await writer.CommitAsync(
                TestRepository.Content("fixture") with
                {
                    Labels = new Dictionary<string, string> { ["k"] = "v" },
                    Workload = JsonDocument.Parse("""{"x":[1,2]}""").RootElement,
                },
                None);
            parent = info.Id;
            if (generation == 1)
            {
                await repository.MarkSupersededAsync(info.Id, "fixture", None);
            }
        }
    }

    /// <summary>Raw and compressible chunks, zero runs, forced cuts, an odd end, small files, an empty one.</summary>
    private static IEnumerable<(string Name, byte[] Data)> Files(long generation)
    {
        byte[] noise = FreezeTests.Scrambled(48 << 10);
        byte[] words = new byte[300_000];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = (byte)(i / 4096 * generation % 251 is var page && i % 64 < 8 ? page : i % 7);
        }

        yield return ("pages-1.img", [.. noise, .. new byte[100 << 12], .. words, .. noise[..1000]]);
        yield return ("core-1.img", noise[..333]);
        yield return ("empty.img", []);
        yield return ("inventory.img", [1, 2, 3, (byte)generation]);
    }
}
