namespace Checkpointer.Containers.Tests;

/// <summary>
/// Mounts whose source is no longer there: a cluster replaces files of a configuration by rename when it updates them, and a container that
/// mounts a single one keeps the old. Where a container goes it finds what the new one has at the same place.
/// </summary>
public sealed class ReplacedMountTests(TwoNodes nodes)
{
    private const string Single = "/etc/app.conf";
    private const string Folder = "/volume";

    [Fact]
    public async Task A_mounted_file_that_was_replaced_is_the_new_containers()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "replaced");
        var (before, source) = await StartAsync(pod, "true");
        await ReplaceAsync(source);
        await before.MustSayAsync("turn ", before.Lines("turn ").Count + 2);
        Assert.Equal("old", await before.ReadAsync("cat", Single));
        await using var to = await TestPod.StartAsync(nodes.B, pod.Name);
        await MustMoveAsync(before, to);
    }

    [Fact]
    public async Task A_mounted_file_and_a_directory_that_were_deleted_are_the_new_containers()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "deleted");
        var (before, source) = await StartAsync(pod, "true");
        File.Delete(source);
        Directory.Delete(MatrixRow.FolderOn(nodes.A, pod.Name, "volume"));
        await using var to = await TestPod.StartAsync(nodes.B, pod.Name);
        await MustMoveAsync(before, to);
    }

    /// <summary>As of a mounted configuration that is updated as a whole; here even the directory that is mounted is gone.</summary>
    [Fact]
    public async Task A_deleted_file_that_is_open_in_a_deleted_directory_travels()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "open");
        var (before, _) = await StartAsync(pod, $"echo kept >{Folder}/kept; exec 5<{Folder}/kept; rm {Folder}/kept");
        Directory.Delete(MatrixRow.FolderOn(nodes.A, pod.Name, "volume"));
        await using var to = await TestPod.StartAsync(nodes.B, pod.Name);
        var after = await MustMoveAsync(before, to);
        var shell = (await after.ReadAsync("pgrep", "-o", "bash")).Trim();
        Assert.Equal("kept", await after.ReadAsync("cat", $"/proc/{shell}/fd/5"));
    }

    [Theory]
    [InlineData("open", $"exec 5<{Single}")]
    [InlineData("mapped", $"python3 -c 'import mmap, time; f = open(\"{Single}\"); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); f.close(); print(\"mapped\", flush=True); time.sleep(600)' &")]
    [InlineData("directory", $"cd {Folder}")]
    public async Task What_is_in_use_and_mounted_by_itself_is_told_before_anything_is_frozen(string name, string use)
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "used-" + name);
        var (before, source) = await StartAsync(pod, use);
        if (name == "mapped")
        {
            await before.MustSayAsync("mapped");
        }

        await ReplaceAsync(source);
        Directory.Delete(MatrixRow.FolderOn(nodes.A, pod.Name, "volume"));
        var outcome = await nodes.A.CheckpointerAsync("checkpoint", "--container", before.Id, "--json", "--force");
        outcome.MustExit(3);
        Assert.Contains("file-on-deleted-mount", outcome.Stdout, StringComparison.Ordinal);
        Assert.Contains(name == "directory" ? Folder : Single, outcome.Stdout, StringComparison.Ordinal);
        await before.MustSayAsync("turn ", before.Lines("turn ").Count + 2);
    }

    [Fact]
    public async Task A_placeholder_in_which_a_mounted_file_was_replaced_is_told_to_be_started_again()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "stale");
        var (before, _) = await StartAsync(pod, "true");
        var snapshot = (await before.CheckpointAsync()).Snapshot();
        await using var to = await TestPod.StartAsync(nodes.B, pod.Name);
        var (options, source) = await OptionsAsync(to, "true", "there\n");
        var waiting = await to.RunAsync(Placeholder.Of(options));
        await ReplaceAsync(source);
        var outcome = await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        outcome.MustExit(3);
        Assert.Contains("mount-source-deleted", outcome.Stdout, StringComparison.Ordinal);
        Assert.Contains(Single, outcome.Stdout, StringComparison.Ordinal);
        await waiting.MustWaitAsync();
    }

    private static async Task ReplaceAsync(string source)
    {
        await File.WriteAllTextAsync(source + ".new", "new\n");
        File.Move(source + ".new", source, overwrite: true);
    }

    private async Task<(TestContainer Container, string Source)> StartAsync(TestPod pod, string first)
    {
        await nodes.NeedToolsAsync();
        var (options, source) = await OptionsAsync(pod, first, "old\n");
        var container = await pod.RunAsync(options);
        await container.MustSayAsync("turn ", 2);
        return (container, source);
    }

    private static async Task<(ContainerOptions Options, string Source)> OptionsAsync(TestPod pod, string first, string content)
    {
        var source = Path.Combine(MatrixRow.FolderOn(pod.Node, pod.Name, "configuration"), "app.conf");
        await File.WriteAllTextAsync(source, content);
        return (new ContainerOptions
        {
            Image = ContainerOptions.ToolsImage,
            Command = ["bash", "-c", $"{first}\nn=0; while :; do echo \"turn $((++n))\"; sleep 0.1; done"],
            Mounts = [new BindMount(source, Single), new BindMount(MatrixRow.FolderOn(pod.Node, pod.Name, "volume"), Folder)],
        }, source);
    }

    private static async Task<TestContainer> MustMoveAsync(TestContainer before, TestPod to)
    {
        var snapshot = (await before.CheckpointAsync()).Snapshot();
        var (options, _) = await OptionsAsync(to, "true", "there\n");
        await File.WriteAllTextAsync(Path.Combine(MatrixRow.FolderOn(to.Node, to.Name, "volume"), "hello"), "");
        var after = (await to.RestoreAsync(options, snapshot)).Container;
        await after.MustSayAsync("turn ", 2);
        Program.MustFollow("turn ", "", before, after);
        Assert.Equal("there", await after.ReadAsync("cat", Single));
        Assert.Equal("hello", await after.ReadAsync("ls", Folder));
        return after;
    }
}
