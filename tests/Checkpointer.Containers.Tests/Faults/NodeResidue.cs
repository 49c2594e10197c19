using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Checkpointer.Containers.Tests;

/// <summary>What a checkpoint or a restore could leave on a node, asked of the kernel and of nobody else.</summary>
internal static class NodeResidue
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The phase of the only open operation; null when there is none, or it is being written.</summary>
    internal static string? JournalPhase(this ContainerNode node)
    {
        try
        {
            return node.JournalEntries() is [var path] ? JsonNode.Parse(File.ReadAllText(path))!["phase"]!.GetValue<string>() : null;
        }
        catch (Exception gone) when (gone is FileNotFoundException or JsonException)
        {
            return null;
        }
    }

    internal static IReadOnlyList<string> JournalEntries(this ContainerNode node)
    {
        var folder = Path.Combine(node.Home, "state", "operations");
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.json")] : [];
    }

    /// <summary>Processes of the node that run one of these programs.</summary>
    internal static IReadOnlyList<int> Running(this ContainerNode node, params string[] programs) =>
        [.. node.Processes().Where(pid => programs.Contains(Path.GetFileName(Processes.CommandLine(pid).Split(' ')[0])) && Processes.IsAlive(pid))];

    /// <summary>
    /// Kills the service in this phase, which some phases are in for a moment only. A kill that came too late has shown nothing of it: then another
    /// operation is started, a few times.
    /// </summary>
    /// <param name="node">Whose service it is.</param>
    /// <param name="phase">As the journal names it.</param>
    /// <param name="attempt">Starts an operation of its own, hands it to the function that it gets, and looks at what became of everything.</param>
    internal static async Task MustStrikeAsync(this ContainerNode node, string phase, Func<Func<Task<Outcome>, Task>, Task> attempt)
    {
        const int Attempts = 5;
        var struck = false;
        for (var i = 0; i < Attempts && !struck; i++)
        {
            await attempt(async run => struck = await node.KillServiceInAsync(phase, run));
        }

        Assert.True(struck, $"none of {Attempts} kills struck in the phase {phase}");
    }

    /// <summary>No helper runs, no operation is open, nothing is frozen, and no mount of ours is in the service's sight.</summary>
    internal static async Task MustBeCleanAsync(this ContainerNode node)
    {
        await Eventually.TrueAsync($"the end of CRIU and its hook on {node.Name}", Limit, () => node.Running("criu", "checkpointer-hook").Count == 0);
        Assert.Empty(node.JournalEntries());
        var frozen = (await node.RunAsync(["bash", "-c", "grep -rlxE 'FROZEN|FREEZING' /sys/fs/cgroup --include=freezer.state; grep -rlx 1 /sys/fs/cgroup --include=cgroup.freeze; true"])).MustSucceed();
        Assert.Equal("", frozen.Stdout);
        var staged = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{node.InitPid}/mountinfo")).Select(line => line.Split(' ')[4])
            .Where(point => point.StartsWith("/run/checkpointer/", StringComparison.Ordinal) && point != "/run/checkpointer/tmp");
        Assert.Empty(staged);
    }

    /// <summary>No firewall table of CRIU in the pod of this container, none of its processes stopped or traced.</summary>
    internal static async Task MustBeUnharmedAsync(this Workload workload)
    {
        await workload.MustTickAsync();
        await workload.VerifyAsync();
        var container = workload.Container;
        var tree = Processes.TreeOf(container.HostPid);
        Assert.All(tree, pid => Assert.Equal(0, Processes.TracerOf(pid)));
        Assert.All(tree, pid => Assert.True(Processes.State(pid) is not ('T' or 't'), $"{pid} is stopped"));
        var script = Path.Combine(Installation.Root, "tests", "Checkpointer.Integration.Tests", "Faults", "Support", "residue.py");
        var residue = (await container.Node.RunAsync(["nsenter", $"--net=/proc/{container.NodePid}/ns/net", "python3", script])).MustSucceed().Json;
        Assert.Empty(residue.GetProperty("tables").EnumerateArray());
    }

    /// <summary>It waits for a restore, and nothing of an earlier one is in it.</summary>
    internal static async Task MustWaitAsync(this TestContainer placeholder)
    {
        await Eventually.TrueAsync("the placeholder to wait again", Limit, () => NameOf(placeholder.HostPid) == "ckpt-waiting");
        await Eventually.TrueAsync("the end of what was half restored", Limit, () => Processes.TreeOf(placeholder.HostPid).Count == 1);
    }

    internal static string NameOf(int pid)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm");
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }

    private static async Task<bool> KillServiceInAsync(this ContainerNode node, string phase, Task<Outcome> run)
    {
        // Looked for beforehand: that takes longer than the phase may last.
        var service = node.ServicePid;
        await Eventually.TrueAsync($"the phase {phase}", Limit, () => node.JournalPhase() == phase || run.IsCompleted, TimeSpan.FromMilliseconds(1));
        await Signals.KillAsync(service);
        var struck = node.JournalPhase() == phase;
        await run;
        return struck;
    }

    /// <summary>False while it runs; fails the test when it has ended: then what is waited for can no longer come.</summary>
    internal static bool MustRun(Task<Outcome> run)
    {
        Assert.False(run.IsCompleted, run.IsCompletedSuccessfully ? $"it has ended already: {run.Result}" : "it has ended already");
        return false;
    }
}
