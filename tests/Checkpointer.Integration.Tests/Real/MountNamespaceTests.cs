using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Integration.Tests;

/// <summary>
/// A process with a mount namespace of its own and a tmpfs in it. Its mounts belong to a container, whose checkpoints come later: until then it
/// is refused before anything is touched, never dumped without what lies on its tmpfs.
/// </summary>
public sealed class MountNamespaceTests
{
    /// <summary>Mounts a tmpfs that nobody else sees, keeps a file on it open, and tells its content for ever.</summary>
    private const string Script = "mount -t tmpfs -o size=4M lab \"$1\" && echo kept >\"$1/file\" && exec 7<\"$1/file\" && "
        + "while sleep 0.05; do cat \"$1/file\" >\"$2.new\" && date +%s%N >>\"$2.new\" && mv \"$2.new\" \"$2\"; done";

    [Fact]
    public async Task A_tree_with_a_mount_namespace_of_its_own_is_refused_and_runs_on()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var (pid, said) = await StartAsync(lab, "unshare", "--mount", "--propagation", "private", "sh", "-c", Script, "sh");

        await MustBeRefusedAsync(lab, pid, said);
    }

    [Fact]
    public async Task A_child_with_a_mount_namespace_of_its_own_is_refused_too()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var (pid, said) = await StartAsync(
            lab, "sh", "-c", "unshare --mount --propagation private sh -c \"$0\" sh \"$@\" & wait", Script);

        await MustBeRefusedAsync(lab, pid, said);
    }

    private static async Task<(int Pid, string Said)> StartAsync(Lab lab, string program, params string[] arguments)
    {
        var mount = Path.Combine(lab.Directory, "private");
        var said = Path.Combine(lab.Directory, "said");
        Directory.CreateDirectory(mount);
        var pid = await lab.StartAsync(Path.Combine(lab.Directory, "log"), Installation.NeedProgram(program), [.. arguments, mount, said]);
        await Eventually.TrueAsync("the file on the private tmpfs", TimeSpan.FromSeconds(60), () => File.Exists(said));
        Assert.False(File.Exists(Path.Combine(mount, "file")), "the tmpfs is not private");
        return (pid, said);
    }

    private static async Task MustBeRefusedAsync(Lab lab, int pid, string said)
    {
        string[] target = ["--pid", pid.ToString(CultureInfo.InvariantCulture), "--embedded", "--json"];
        foreach (var outcome in new[] { await lab.CheckpointerAsync(["preflight", .. target]), await lab.CheckpointerAsync(["checkpoint", "--force", .. target]) })
        {
            outcome.MustExit(3);
            var findings = outcome.Json.TryGetProperty("error", out var error) ? error.GetProperty("findings") : outcome.Json.GetProperty("findings");
            Assert.Contains(findings.EnumerateArray(), f => Text(f, "code") == "mount-namespace" && Text(f, "severity") == "blocker");
        }

        var before = await File.ReadAllTextAsync(said, TestContext.Current.CancellationToken);
        Assert.StartsWith("kept\n", before, StringComparison.Ordinal);
        await Eventually.TrueAsync("the tree running on", TimeSpan.FromSeconds(60), () => File.ReadAllText(said) is var now && now != before && now.StartsWith("kept\n", StringComparison.Ordinal));
        Assert.Empty(await lab.SnapshotsAsync());
        await lab.MustBeCleanAsync();
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
