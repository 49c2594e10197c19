namespace Checkpointer.Integration.Tests;

/// <summary>A workload that goes on writing while its checkpoint is prepared.</summary>
public sealed class GrowingFileTests
{
    private const string Writer = """
        import sys, time
        log = open(sys.argv[1], "w")
        n = 0
        while True:
            n += 1
            log.write("line %d\n" % n)
            log.flush()
            time.sleep(0.005)
        """;

    [Fact]
    public async Task A_file_that_grew_between_the_inspection_and_the_freeze_restores()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var file = Path.Combine(lab.Directory, "grows");
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "out"), Installation.NeedProgram("python3"), "-c", Writer, file);
        await Eventually.TrueAsync("lines", TimeSpan.FromSeconds(60), () => File.Exists(file) && new FileInfo(file).Length > 0);
        await using var run = FaultRun.Start(lab, new FaultPlan { PauseAtPhase = "prepare", Checkpoint = new CheckpointPlan { Pid = pid } });
        await run.PausedAsync("prepare");
        var seen = new FileInfo(file).Length;
        await Eventually.TrueAsync("more lines", TimeSpan.FromSeconds(60), () => new FileInfo(file).Length > seen + 100);
        run.Resume();
        var snapshot = (await run.EndAsync()).MustSucceed().Checkpoint!.Snapshot;
        var dumped = new FileInfo(file).Length;
        Assert.True(dumped > seen, "the file did not grow");

        await lab.RestoreAsync(snapshot);

        await Eventually.TrueAsync("lines of the restored one", TimeSpan.FromSeconds(60), () => new FileInfo(file).Length > dumped + 100);
        var lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        Assert.All(lines.SkipLast(1).Select((line, i) => (line, i)), entry => Assert.Equal($"line {entry.i + 1}", entry.line));
    }
}
