using System.Diagnostics;
using System.Globalization;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary><c>checkpointer-init hold</c> as PID 1 of a pid namespace of its own: what a container is that waits for a restore.</summary>
internal sealed class Placeholder : IDisposable
{
    /// <summary>The door's descriptor in PID 1 (native-shim/init/door.h).</summary>
    private const int Door = 64;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    public Placeholder()
    {
        _process = Process.Start(new ProcessStartInfo("unshare", ["--fork", "--pid", "--mount-proc", "--kill-child", Init, "hold"])
        {
            RedirectStandardError = true,
        })!;
        Sample.Wait(() => Children.Any(static pid => HoldConnection.StateOf(pid) == HoldState.Waiting), "the placeholder");
        Identity = ProcessIdentity.Of(Children.First())!;
    }

    public ProcessIdentity Identity { get; }

    public JournalContainer Record => new("placeholder", Identity.Pid, Identity.StartTime, Identity.PidNamespace);

    private static string Init => Path.Combine(Installation.Shim, "checkpointer-init");

    private IEnumerable<int> Children => ProcessTree.Read(_process.Id)?.Processes.Skip(1).Select(static p => p.Pid) ?? [];

    /// <summary>Starts a command inside that becomes a child of PID 1, as a restored tree is; its pid here.</summary>
    public int Start(string command)
    {
        using var entered = Process.Start(new ProcessStartInfo(
            Init,
            ["enter", "--pid", Identity.Pid.ToString(CultureInfo.InvariantCulture), "--", "/bin/sh", "-c",
                $"'{Init}' detach -- /bin/sh -c \"{command}\" >/dev/null 2>&1 </dev/null & echo $!"])
        {
            RedirectStandardOutput = true,
        })!;
        var inside = int.Parse(entered.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
        entered.WaitForExit();
        Sample.Wait(() => PidTranslation.ChildOf(Identity.Pid, inside) is not null, "a child of the placeholder");
        return PidTranslation.ChildOf(Identity.Pid, inside)!.Pid;
    }

    /// <summary>What the owner of a restore does when CRIU is done: the process is the workload's root from now on.</summary>
    public void Adopt(string operation, int pid)
    {
        Reserve(operation);
        Ask($"main {ProcessInfo.Read(pid)!.OwnPid}");
        Sample.Wait(() => HoldConnection.StateOf(Identity.Pid) == HoldState.Running, "the placeholder to run");
    }

    /// <summary>What a restore does first: from now on what comes is its own.</summary>
    public void Reserve(string operation) => Ask($"restoring {operation} 600");

    public void Dispose()
    {
        // PID 1 goes with unshare, and everything in the namespace with PID 1.
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Sample.Wait(() => !Identity.IsAlive(), "the end of the placeholder");
    }

    private void Ask(string command)
    {
        using var process = Identity.Open()!;
        using var door = new MessageDoor(process.DuplicateFd(Door));
        Assert.StartsWith("1 ok", door.Ask($"1 {command}", 1024, Patience, CancellationToken.None), StringComparison.Ordinal);
    }
}
