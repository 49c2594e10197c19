namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>Snapshots of one lineage, one after the other, and what each of them stored.</summary>
internal static class Generations
{
    public const int Page = FormatConstants.PageSize;

    /// <summary>A share of a snapshot that is only map, manifest and ends of packs.</summary>
    public const double Idle = 0.01;

    public static byte[] Pages(int count, int seed) => TestRepository.Random(count * Page, seed);

    /// <summary>Writes a snapshot whose parent is the generation before it. Files are bulk memory, each appended in blocks.</summary>
    public static async Task<Generation> SnapshotAsync(
        this TestRepository test, long generation, long parentMemory, params (string Name, byte[] Data)[] files)
    {
        SnapshotId? parent = generation > 1 ? new SnapshotId(test.Lineage, generation - 1) : null;
        return await SnapshotAsync(test, new SnapshotTarget(test.Lineage, generation, parent), parentMemory, files);
    }

    public static async Task<Generation> SnapshotAsync(
        this TestRepository test, SnapshotTarget target, long parentMemory, params (string Name, byte[] Data)[] files)
    {
        WriterOptions options = new() { Pool = test.Pool, Workers = 2, ParentMemory = parentMemory };
        await using SnapshotWriter writer = await test.Repository.BeginSnapshotAsync(target, options, CancellationToken.None);
        foreach ((string name, byte[] data) in files)
        {
            test.AppendAll(writer.OpenFile(name, FileKind.Pages), data);
        }

        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
        Assert.Equal(writer.Progress.BytesStored, info.BytesStored);
        return new Generation(info, writer.ParentUse, writer.Progress);
    }

    /// <summary>Every byte of every file comes back.</summary>
    public static async Task MustHoldAsync(this TestRepository test, SnapshotId id, params (string Name, byte[] Data)[] files)
    {
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(id, CancellationToken.None);
        Assert.Equal(files.Length, reader.Files.Count);
        foreach ((string name, byte[] data) in files)
        {
            byte[] read = await TestRepository.ReadAsync(reader, name);
            Assert.True(data.AsSpan().SequenceEqual(read), $"{name} came back changed");
        }
    }

    /// <summary>Nothing is wrong with anything.</summary>
    public static async Task MustBeSoundAsync(this TestRepository test)
    {
        CheckReport report = await test.Repository.CheckAsync(data: true, null, CancellationToken.None);
        Assert.DoesNotContain(report.Findings, static f => f.Severity != FindingSeverity.Note);
    }
}

/// <summary>A snapshot that was made.</summary>
internal sealed record Generation(SnapshotInfo Info, ParentUse Use, WriterProgress Progress)
{
    /// <summary>What it stored, as a share of what it captured.</summary>
    public double StoredShare => (double)Info.BytesStored / Info.BytesCaptured;
}
