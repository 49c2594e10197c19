namespace Checkpointer.Containers.Tests;

/// <summary>Files that a container has in common with one that is not frozen: a copy of them may be torn, and that is told.</summary>
public sealed class SharedWriterTests(TwoNodes nodes)
{
    private const int Bytes = 48 << 20;
    private const int Writers = 4;

    [Fact]
    public async Task A_file_that_another_container_writes_meanwhile_is_named_in_the_result()
    {
        await nodes.NeedToolsAsync();
        await using var pod = await TestPod.StartAsync(nodes.A, "writer");
        var mount = new BindMount(MatrixRow.FolderOn(nodes.A, pod.Name, "kubernetes.io~empty-dir/cache"), "/cache");
        await File.WriteAllBytesAsync(Path.Combine(mount.Source, "written"), new byte[Bytes].Select(static (_, i) => (byte)(i * 7919 >> 3)).ToArray(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(mount.Source, "kept"), "kept", TestContext.Current.CancellationToken);
        var main = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1") with { Mounts = [mount] });

        // Several, each without a pause: whenever the file is read for this long, one of them writes.
        var sidecar = await pod.RunAsync(new ContainerOptions
        {
            Image = ContainerOptions.ToolsImage,
            Name = "sidecar",
            Command = ["bash", "-c", $"for i in $(seq {Writers}); do (while :; do echo x; done 1<>/cache/written) & done; echo writes; wait"],
            Mounts = [mount],
        });
        await sidecar.MustSayAsync("writes");
        var findings = (await main.Container.CheckpointAsync()).GetProperty("findings").EnumerateArray()
            .Where(static f => f.GetProperty("code").GetString() == "file-tree-changed").ToList();
        Assert.Contains("/cache/written", Assert.Single(findings).GetProperty("subject").GetString(), StringComparison.Ordinal);
    }
}
