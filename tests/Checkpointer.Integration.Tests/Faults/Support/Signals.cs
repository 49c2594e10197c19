using System.Runtime.InteropServices;

namespace Checkpointer.Integration.Tests;

/// <summary>Sends signals.</summary>
internal static partial class Signals
{
    internal const int Interrupt = 2;
    internal const int Kill = 9;
    internal const int Terminate = 15;
    internal const int Continue = 18;
    internal const int Stop = 19;

    internal static void Send(int pid, int signal)
    {
        // Never a group, never everybody, never the machine's init.
        Assert.InRange(pid, 2, int.MaxValue);
        Assert.True(SendSignal(pid, signal) == 0, $"kill({pid}, {signal}): errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>False: it has ended already.</summary>
    internal static bool TrySend(int pid, int signal)
    {
        Assert.InRange(pid, 2, int.MaxValue);
        return SendSignal(pid, signal) == 0;
    }

    /// <summary>Sends SIGKILL and waits for the end.</summary>
    internal static async Task KillAsync(int pid)
    {
        Send(pid, Kill);
        await Eventually.TrueAsync($"the end of {pid}", TimeSpan.FromSeconds(60), () => !Processes.IsAlive(pid));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);
}
