namespace Checkpointer.Containers.Tests;

/// <summary>The nodes share a blob container instead of a directory: Azurite runs on the first one.</summary>
public sealed class AzuriteTests(TwoNodes nodes)
{
    /// <summary>As both node services know it. It is there only while a test here runs.</summary>
    internal const string RepositoryName = "blobs";

    private const int Port = 10000;
    private const string Service = "azurite";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static string Module => Path.Combine(Installation.Root, "artifacts", "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js");

    internal static string Url(NodeWorld world) => $"azurite://{ContainerNode.AddressOf(1)}:{Port}/checkpoints/{world.Name}";

    internal static string KeyFile(NodeWorld world) => Path.Combine(world.Folder, "key");

    [Fact]
    public async Task A_container_goes_on_on_the_other_node_through_a_blob_container()
    {
        var (source, target) = (nodes.A, nodes.B);
        if (!File.Exists(Module))
        {
            Assert.Skip("no Azurite in artifacts/azurite: run scripts/setup.sh, which says why it cannot provide it");
        }

        // It ends when its standard input does: this one never does.
        const string Script = "mkfifo \"$1\" && exec node \"$2\" --blobHost 0.0.0.0 --blobPort \"$3\" --skipApiVersionCheck --disableTelemetry --inMemoryPersistence <>\"$1\"";
        var log = await source.StartProgramAsync(
            Service, "env", $"CHECKPOINTER_AZURITE_MODULE={Module}", "bash", "-c", Script, "bash", Path.Combine(source.Home, "azurite.in"),
            Path.Combine(Installation.Root, "tests", "azurite", "run.js"), $"{Port}");
        try
        {
            await Eventually.TrueAsync("Azurite", Limit, () => File.Exists(log) && File.ReadAllText(log).Contains("successfully listens", StringComparison.Ordinal));
            string[] direct = ["--repo", Url(nodes.World), "--key-file", KeyFile(nodes.World)];
            (await source.CheckpointerAsync(["init", .. direct])).MustSucceed();
            await MoveAsync(source, target, ["--repo", RepositoryName]);
            (await target.CheckpointerAsync(["check", "--data", .. direct])).MustSucceed();
        }
        finally
        {
            await source.KillAsync(Service);
        }
    }

    private static async Task MoveAsync(ContainerNode source, ContainerNode target, string[] place)
    {
        var options = ContainerOptions.Workload("--code", $"{MatrixRow.ExitCode}", "memory=64", "files", "devshm", "threads");
        await using var from = await TestPod.StartAsync(source, "blob");
        var before = await Workload.StartAsync(from, options);
        await before.Container.CheckpointAsync(["--leave-running", .. place]);
        var last = await before.Container.CheckpointAsync(place);

        await using var to = await TestPod.StartAsync(target, "blob");
        var after = await to.RestoreAsync(options, last.Snapshot(), place);
        await after.MustTickAsync();
        await after.VerifyAsync();
        Workload.MustHaveTickedWithoutGap(before, after);
        await after.Container.StopAsync(Limit);
        Assert.Equal(MatrixRow.ExitCode, await after.Container.ExitCodeAsync(Limit));
    }
}
