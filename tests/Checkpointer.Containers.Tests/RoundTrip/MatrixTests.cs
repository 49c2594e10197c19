using System.Globalization;
using System.Text;

namespace Checkpointer.Containers.Tests;

/// <summary>
/// Every kind of container goes from one node to the other: memory and files are right (the workload checks itself), its log goes on
/// where it stopped, signals and exit code arrive, what is run in the new container sees its files and the new pod's.
/// </summary>
public sealed class MatrixTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public static TheoryData<string> Rows => [.. MatrixRow.All.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task A_container_goes_on_on_the_other_node(string name) => await MoveAsync(MatrixRow.Named(name), nodes.A, nodes.B);

    [Fact]
    public async Task A_container_goes_on_in_a_new_container_of_the_same_node() => await MoveAsync(MatrixRow.Named("changed files"), nodes.A, nodes.A);

    private static async Task MoveAsync(MatrixRow row, ContainerNode source, ContainerNode target)
    {
        string[] force = row.Options.User is null or 0 ? [] : NodeCapabilities.OtherUsers;
        await using var from = await TestPod.StartAsync(source, "from");
        var before = await Workload.StartAsync(from, row.On(source, from.Name));
        await before.VerifyAsync();
        var snapshot = (await before.Container.CheckpointAsync(force)).Snapshot();

        await using var to = await TestPod.StartAsync(target, "to");
        Bring(row, from, to);
        var after = await to.RestoreAsync(row.On(target, to.Name), snapshot, force);
        await after.MustTickAsync();
        await after.VerifyAsync();
        Workload.MustHaveTickedWithoutGap(before, after);

        // What is run in it sees the workload's files, and what the new pod was given.
        Assert.Equal(to.Name, (await ReadAsync(after.Container, "/etc/hostname")).Trim());
        if (row.Options.Command.Contains("files"))
        {
            Assert.Equal("written by the workload\n", await ReadAsync(after.Container, "/image/added"));
        }

        foreach (var (folder, destination) in row.Volumes)
        {
            Assert.NotEmpty(await ReadAsync(after.Container, destination + "/workload"));
            Assert.True(File.Exists(Path.Combine(MatrixRow.FolderOn(target, to.Name, folder), "workload")), "it writes elsewhere");
        }

        var tree = Processes.TreeOf(after.Container.HostPid);
        await after.Container.StopAsync(Limit);
        Assert.Equal(MatrixRow.ExitCode, await after.Container.ExitCodeAsync(Limit));
        Assert.DoesNotContain(tree, Processes.IsAlive);
    }

    /// <summary>A volume that is the same on both nodes.</summary>
    private static void Bring(MatrixRow row, TestPod from, TestPod to)
    {
        foreach (var (folder, _) in row.BringVolumes ? row.Volumes : [])
        {
            foreach (var file in Directory.EnumerateFiles(MatrixRow.FolderOn(from.Node, from.Name, folder)))
            {
                File.Copy(file, Path.Combine(MatrixRow.FolderOn(to.Node, to.Name, folder), Path.GetFileName(file)));
            }
        }
    }

    private static async Task<string> ReadAsync(TestContainer container, string path)
    {
        var answer = await container.ExecAsync("/workload", "cat", path);
        Assert.True(answer.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"reading {path} exits with {answer.ExitCode}: {answer.Stderr.ToString(Encoding.UTF8)}"));
        return answer.Stdout.ToString(Encoding.UTF8);
    }
}
