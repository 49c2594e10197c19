namespace Checkpointer.Containers.Tests;

/// <summary>PyTorch with processes that load its data. Long: its image is 0.8 GiB, which takes minutes to make and to bring to two nodes.</summary>
public sealed class TrainingTests(TwoNodes nodes)
{
    private const int Some = 40;

    [Fact]
    [Trait("Length", "Long")]
    public async Task A_training_goes_on_with_exactly_the_same_losses()
    {
        await nodes.NeedProgramAsync("torch");
        var options = Program.Of("torch", "python3", "/programs/train.py");
        await using var from = await TestPod.StartAsync(nodes.A, "torch");
        var before = await from.RunAsync(options);
        await before.MustSayAsync("loss ", Some);
        var snapshot = (await before.CheckpointAsync()).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "torch");
        var after = (await to.RestoreAsync(options, snapshot)).Container;
        await after.MustSayAsync("loss ", Some);
        await after.StopAsync(Program.Limit);
        Assert.Equal(0, await after.ExitCodeAsync(Program.Limit));
        List<string> moved = [.. before.Lines("loss "), .. after.Lines("loss ")];

        var uninterrupted = await from.RunAsync(options with { Name = "uninterrupted" });
        await uninterrupted.MustSayAsync("loss ", moved.Count);
        Assert.Equal(uninterrupted.Lines("loss ").Take(moved.Count), moved);
    }
}
