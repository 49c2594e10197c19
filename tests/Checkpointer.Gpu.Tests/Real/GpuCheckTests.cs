using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Checkpointer.Gpu.Tests;

/// <summary><c>scripts/gpu-check.sh</c>, which is for machines with real GPUs, on simulated ones: what it checks passes, and what it prints is what it measured.</summary>
[Trait("Length", "Long")]
public sealed partial class GpuCheckTests
{
    private const int Strikes = 16;

    [Fact]
    public async Task It_passes_and_says_what_it_measured_and_where_each_failure_struck()
    {
        var criu = Installation.RequireCriu();
        Assert.SkipUnless(File.Exists(Path.Combine(Installation.Root, "artifacts", "bin", "checkpointer")), "scripts/build.sh comes before");
        var folder = Directory.CreateTempSubdirectory("gpu-check-test-");
        try
        {
            // Slow enough for each step to be seen: 8 MiB on two GPUs, and work that a lock waits for.
            using var node = new SimulatedNode("check", "h100", "copy-mib-per-second=8", "kernel-ms=150");
            using var process = Process.Start(new ProcessStartInfo(
                "bash",
                [Path.Combine(Installation.Root, "scripts", "gpu-check.sh"), "--dir", folder.FullName, "--mib", "4", "--cuda-library", node.Cuda, "--nvml-library", node.Options.NvmlLibrary!])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["CHECKPOINTER_CRIU"] = criu },
            })!;
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var report = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.True(process.ExitCode == 0, report + await errors);
            Assert.Contains("SIMULATED", report, StringComparison.Ordinal);
            var rows = report.Split('\n').Where(static l => l.StartsWith("| ", StringComparison.Ordinal)).ToList();
            Assert.DoesNotContain(rows, static r => r.Contains("| FAILED |", StringComparison.Ordinal));

            // 8 MiB at 8 MiB a second: what the driver took is more than a second each way, and CRIU something.
            foreach (var figure in new[] { "driver to host", "driver back", "CRIU dump", "restore", "of it CRIU" })
            {
                Assert.All(Milliseconds(report, figure), ms => Assert.InRange(ms, figure.StartsWith("driver", StringComparison.Ordinal) ? 990 : 1, double.MaxValue));
            }

            // A step may be over before it is seen, and then that is what the row says; what was struck was struck where the row says.
            var strikes = rows.Where(static r => r.Contains(" killed at ", StringComparison.Ordinal)).ToList();
            Assert.Equal(Strikes, strikes.Count);
            Assert.All(strikes.Where(static r => !r.Contains("| skipped |", StringComparison.Ordinal)), static r => Assert.Matches(@"killed at (\S+) of .*struck at \1 ", r));
            Assert.Contains(strikes, static r => r.Contains("| passed |", StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static List<double> Milliseconds(string report, string figure)
    {
        var found = Figures().Matches(report).Where(m => m.Groups[1].Value == figure).Select(static m => double.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture)).ToList();
        Assert.True(found.Count > 0, figure);
        return found;
    }

    [GeneratedRegex(@"(driver to host|driver back|CRIU dump|of it CRIU|restore) (\d+) ms \(")]
    private static partial Regex Figures();
}
