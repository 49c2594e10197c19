namespace Checkpointer.Containers.Tests;

/// <summary>
/// The CRIU of a node's service: a script that becomes CRIU, and stops itself before, once, when it was told so beforehand. So it is held
/// however late anybody looks.
/// </summary>
internal static class HeldCriu
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Makes the script; its path.</summary>
    internal static string Create(ContainerNode node)
    {
        var path = ScriptOf(node);
        // Written beside and renamed: another service may be executing it.
        File.WriteAllText(path + ".new", $"""
            #!/bin/sh
            case "$1" in
            dump | restore)
                if rmdir '{OrderOf(node)}' 2>/dev/null; then
                    kill -STOP $$
                fi
                ;;
            esac
            exec '{NodeCapabilities.Criu}' "$@"

            """);
        File.SetUnixFileMode(path + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }

    /// <summary>The next dump or restore on this node stands still before it has done anything.</summary>
    internal static void HoldNextCriu(this ContainerNode node) => Directory.CreateDirectory(OrderOf(node));

    /// <summary>Waits until it stands still; fails when the operation ends without one. It goes on when it gets SIGCONT.</summary>
    internal static async Task<int> HeldCriuAsync(this ContainerNode node, Task<Outcome> run)
    {
        var held = 0;
        try
        {
            await Eventually.TrueAsync("CRIU", Limit, () => (held = Find(node)) != 0 || NodeResidue.MustRun(run));
            return held;
        }
        finally
        {
            // Whatever was not held now is not to be: the next test knows nothing of it.
            if (Directory.Exists(OrderOf(node)))
            {
                Directory.Delete(OrderOf(node));
            }
        }
    }

    /// <summary>CRIU does its work and cannot end it, for the service stands still meanwhile: then it is killed.</summary>
    /// <param name="works">Whether CRIU, whose pid it is told, is in the middle of its work.</param>
    internal static async Task KillHeldCriuAsync(this ContainerNode node, Task<Outcome> run, Func<int, bool> works)
    {
        var criu = await node.HeldCriuAsync(run);
        var service = node.ServicePid;
        Signals.Send(service, Signals.Stop);
        Signals.Send(criu, Signals.Continue);
        await Eventually.TrueAsync("CRIU to be in the middle of it", Limit, () => works(criu));
        Signals.Send(criu, Signals.Kill);
        Signals.Send(service, Signals.Continue);
    }

    /// <summary>CRIU holds a container and cannot end, for the service stands still meanwhile: then the service is killed.</summary>
    internal static async Task KillServiceInDumpAsync(this ContainerNode node, Task<Outcome> run, params Workload[] workloads)
    {
        var criu = await node.HeldCriuAsync(run);
        await Eventually.TrueAsync("the phase dump", Limit, () => node.JournalPhase() == "dump" || NodeResidue.MustRun(run));
        Signals.Send(node.ServicePid, Signals.Stop);
        Signals.Send(criu, Signals.Continue);
        await Eventually.TrueAsync("CRIU to hold a container", Limit, () => IsHeld(workloads));
        await node.KillServiceAsync();
        (await run).MustExit(6);
    }

    /// <summary>CRIU has seized the first process of one of these.</summary>
    internal static bool IsHeld(params Workload[] workloads) => workloads.Any(static w => Processes.TracerOf(w.Container.HostPid) != 0);

    /// <summary>What the script has become.</summary>
    internal static bool IsCriu(int pid) => !Processes.CommandLine(pid).StartsWith("/bin/sh ", StringComparison.Ordinal);

    private static string ScriptOf(ContainerNode node) => Path.Combine(node.Home, "criu-held");

    private static string OrderOf(ContainerNode node) => Path.Combine(node.Home, "criu-hold-next");

    private static int Find(ContainerNode node) => node.Processes().FirstOrDefault(
        pid => Processes.State(pid) == 'T' && Processes.CommandLine(pid).StartsWith($"/bin/sh {ScriptOf(node)} ", StringComparison.Ordinal));
}
