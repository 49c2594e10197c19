using System.Diagnostics;
using System.Globalization;

namespace Checkpointer.Bench;

/// <summary>Runs a step several times and prints the median of CPU-seconds and seconds per GB, and what it allocated.</summary>
internal static class Meter
{
    private const int Rounds = 5;
    private const double Gb = 1e9;

    public static void Header() =>
        Console.WriteLine($"{"step",-44} {"CPU-s/GB",9} {"GB/s",7} {"alloc B/chunk",14}");

    public static void Measure(string name, long bytes, Action step)
    {
        step();
        List<(double Cpu, double Wall, double Allocated)> rounds = [];
        for (int i = 0; i < Rounds; i++)
        {
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            TimeSpan cpu = Process.GetCurrentProcess().TotalProcessorTime;
            long start = Stopwatch.GetTimestamp();
            step();
            double wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
            double spent = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
            rounds.Add((spent, wall, GC.GetTotalAllocatedBytes(precise: true) - allocated));
        }

        const int MeanChunk = 21 << 10;
        double cpuPerGb = Median(rounds.Select(r => r.Cpu)) / bytes * Gb;
        double rate = bytes / Gb / Median(rounds.Select(r => r.Wall));
        double perChunk = Median(rounds.Select(r => r.Allocated)) / (bytes / (double)MeanChunk);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {cpuPerGb,9:F3} {rate,7:F2} {perChunk,14:F1}"));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
