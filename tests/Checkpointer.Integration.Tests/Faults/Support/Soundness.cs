using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>Nothing of a checkpoint is left on a workload that runs on, and nothing of ours on the machine.</summary>
internal static class Soundness
{
    private const string Hook = "checkpointer-hook";
    private const string TablePrefix = "CRIU-";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>It counts, its memory is right, its TCP connection exchanges data; nobody stops, traces or locks it.</summary>
    internal static async Task MustBeUnharmedAsync(this CounterWorkload counter, Lab lab, int? root = null)
    {
        var before = await counter.MustCountAsync(Limit);
        await Eventually.TrueAsync("data over the established TCP connection", Limit, () => counter.Status()!.Pings > before.Pings + 1);
        await counter.VerifyAsync();
        counter.MustHaveCountedWithoutGap();
        var tree = Processes.TreeOf(root ?? counter.Pid);
        Assert.All(tree, pid => Assert.Equal(0, Processes.TracerOf(pid)));
        Assert.All(tree, pid => Assert.True(Processes.State(pid) is not ('T' or 't'), $"{pid} is stopped"));
        await MustLeaveNothingInTheKernelAsync(lab, tree);
    }

    /// <summary>No firewall table of a CRIU of this lab and no socket in repair mode.</summary>
    internal static async Task MustLeaveNothingInTheKernelAsync(Lab lab, IReadOnlyList<int> tree)
    {
        var (tables, repair) = await ResidueAsync(lab, tree);
        Assert.Empty(tables);
        Assert.Empty(repair);
    }

    /// <summary>The firewall table of a CRIU of this lab is there.</summary>
    internal static async Task<bool> IsLockedAsync(Lab lab) => (await ResidueAsync(lab, [])).Tables.Count > 0;

    /// <summary>No CRIU and no hook runs, no directory of an operation is left, the journal holds nothing.</summary>
    internal static async Task MustBeCleanAsync(this Lab lab)
    {
        await Eventually.ValueAsync(
            "the end of CRIU and hook", Limit, () => Helpers(lab, "criu", Hook).FirstOrDefault() is var pid and not 0 ? null : "");
        Assert.Empty(lab.OperationDirectories());
        Assert.Empty(lab.JournalEntries());
    }

    /// <summary>The directories of running operations, in the run directory or in the tmpfs that is mounted in it.</summary>
    internal static IReadOnlyList<string> OperationDirectories(this Lab lab) =>
    [
        .. new[] { lab.RunDirectory, Path.Combine(lab.RunDirectory, "tmp") }.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories)
            .Where(path => Path.GetFileName(path) is not ("tmp" or "workloads")),
    ];

    /// <summary>The journal's open entries.</summary>
    internal static IReadOnlyList<string> JournalEntries(this Lab lab)
    {
        var directory = Path.Combine(lab.StateDirectory, "operations");
        return Directory.Exists(directory) ? [.. Directory.EnumerateFiles(directory, "*.json")] : [];
    }

    /// <summary>
    /// Processes of this lab that run one of these programs. CRIU has a clean environment, so its arguments tell; the hook has none and is a
    /// child of CRIU.
    /// </summary>
    internal static IReadOnlyList<int> Helpers(this Lab lab, params string[] programs) =>
        [.. Processes.All().Where(pid => Processes.IsAlive(pid) && Program(pid) is var program && programs.Contains(program) && Names(lab, program == Hook ? Processes.ParentOf(pid) : pid))];

    private static string Program(int pid) => Path.GetFileName(Processes.CommandLine(pid).Split(' ')[0]);

    private static bool Names(Lab lab, int pid) =>
        Processes.CommandLine(pid).Split(' ').Any(word => word.StartsWith(lab.Directory + "/", StringComparison.Ordinal));

    /// <summary>The ids that CRIU gave itself in the dumps of this lab.</summary>
    private static List<string> CriuRuns(Lab lab)
    {
        const string Line = "CRIU run id = ";
        var logs = Path.Combine(lab.StateDirectory, "logs");
        return !Directory.Exists(logs) ? [] :
        [
            .. Directory.EnumerateFiles(logs, "dump.log", SearchOption.AllDirectories)
                .SelectMany(File.ReadLines).Where(line => line.Contains(Line, StringComparison.Ordinal)).Select(line => line[(line.IndexOf(Line, StringComparison.Ordinal) + Line.Length)..].Trim()),
        ];
    }

    private static async Task<(List<string> Tables, List<string> Repair)> ResidueAsync(Lab lab, IReadOnlyList<int> tree)
    {
        var script = Path.Combine(Installation.Root, "tests", "Checkpointer.Integration.Tests", "Faults", "Support", "residue.py");
        string[] arguments = [script, .. tree.Select(pid => pid.ToString(CultureInfo.InvariantCulture))];
        var json = (await lab.RunAsync(Installation.NeedProgram("python3"), arguments, Lab.DefaultLimit)).MustSucceed().Json;
        // Whatever else runs on this machine may be checkpointed too: only our own tables count.
        var ours = CriuRuns(lab);
        return (
            [
                .. json.GetProperty("tables").EnumerateArray().Select(table => table.GetString()!).Where(name =>
                    name.StartsWith(TablePrefix, StringComparison.Ordinal) && ours.Any(run => run.StartsWith(name[TablePrefix.Length..], StringComparison.Ordinal))),
            ],
            [.. json.GetProperty("repair").EnumerateArray().Select(entry => entry.ToString())]);
    }
}
