using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>The process of <c>tests/workloads/drift.c</c>: its memory stands still, and changes when it is told to.</summary>
internal sealed class DriftWorkload
{
    /// <summary>Bytes that <see cref="InsertAsync"/> adds.</summary>
    internal const long Inserted = 10_000 * 4096L;

    // SIGUSR1, SIGUSR2, SIGWINCH.
    private const int CheckAll = 10;
    private const int Overwrite = 12;
    private const int Insert = 28;
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    private readonly string _status;

    private DriftWorkload(string status, int pid)
    {
        _status = status;
        Pid = pid;
    }

    /// <summary>As it was started.</summary>
    internal int Pid { get; }

    internal static async Task<DriftWorkload> StartAsync(Lab lab, int mebibytes)
    {
        if (!File.Exists(Installation.Drifter))
        {
            Assert.Skip("no artifacts/workloads/drift: scripts/test.sh compiles it");
        }

        var status = Path.Combine(lab.Directory, "drift.status");
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "drift.out"), Installation.Drifter, status, mebibytes.ToString(CultureInfo.InvariantCulture), "7");
        await Eventually.TrueAsync("a full workload", StartLimit, () => LineStatus.Read(status)?["ready"] == "1");
        return new DriftWorkload(status, pid);
    }

    /// <summary>5 % of its pages get random bytes, in runs of 64 KiB at random places.</summary>
    internal Task ChangeAsync(int pid) => TellAsync(pid, Overwrite, "changes");

    /// <summary>10,000 random pages appear before all others.</summary>
    internal Task InsertAsync(int pid) => TellAsync(pid, Insert, "changes");

    /// <summary>It checks every byte of its memory.</summary>
    internal Task VerifyAsync(int pid) => TellAsync(pid, CheckAll, "passes");

    private async Task TellAsync(int pid, int signal, string grows)
    {
        // Only a process that reads its signals: one that was just restored may still be on its way.
        await LineStatus.MustGrowAsync(_status, "count", StartLimit);
        // The number before the signal: it may have obeyed before anybody looks again.
        var before = LineStatus.Read(_status)!.Number(grows);
        Signals.Send(pid, signal);
        var status = await LineStatus.MustGrowAsync(_status, grows, StartLimit, before);
        Assert.Equal(0, status.Number("errors"));
    }
}
