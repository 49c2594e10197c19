using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>
/// Watches the memory of everything of ours in a lab: the proportional set size of service, command line and helpers (CRIU is not ours), and
/// what lies in the tmpfs of the run directory.
/// </summary>
internal sealed class MemoryMeter : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly string[] Ours = ["checkpointer", "checkpointer-hook", "checkpointer-init"];

    private readonly Lab _lab;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;

    internal MemoryMeter(Lab lab)
    {
        _lab = lab;
        _watch = Task.Run(WatchAsync);
    }

    /// <summary>The largest sum so far. Bytes.</summary>
    internal long Peak { get; private set; }

    /// <summary>How many looks saw something of ours: a meter that saw nothing proves nothing.</summary>
    internal int Looks { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            var sizes = Processes.WithEnvironment(_lab.Mark)
                .Where(pid => Ours.Contains(Path.GetFileName(Processes.CommandLine(pid).Split(' ')[0]))).Select(ProportionalSize).Where(size => size > 0).ToList();
            if (sizes.Count > 0)
            {
                Looks++;
                Peak = Math.Max(Peak, sizes.Sum() + Tmpfs());
            }

            await Task.Delay(Interval, _stop.Token);
        }
    }

    private long Tmpfs() => new[] { _lab.RunDirectory, Path.Combine(_lab.RunDirectory, "tmp") }.Where(Directory.Exists)
        .Select(path => new DriveInfo(path)).Where(drive => drive.DriveFormat == "tmpfs").Sum(drive => drive.TotalSize - drive.TotalFreeSpace);

    private static long ProportionalSize(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/smaps_rollup").FirstOrDefault(text => text.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
