using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Gpu.Tests;

/// <summary>A dump counts only when it holds, of every CUDA process, at least as much as its device memory.</summary>
public sealed class GpuImageTests : IDisposable
{
    private const long Mebibyte = 1 << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gpu-image-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void An_image_with_all_of_it_counts() =>
        Check(("pagemap-7.img", 10), ("pages-1.img", 9 * Mebibyte), ("pagemap-8.img", 10), ("pages-2.img", 8 * Mebibyte));

    [Fact]
    public void An_image_that_lacks_a_process_or_bytes_of_one_does_not()
    {
        AssertRefused("8 ", ("pagemap-7.img", 10), ("pages-1.img", 99 * Mebibyte));
        AssertRefused("8 ", ("pagemap-7.img", 10), ("pages-1.img", 99 * Mebibyte), ("pagemap-8.img", 10), ("pages-2.img", (8 * Mebibyte) - 1));
        AssertRefused("7 ", ("pagemap-8.img", 10), ("pages-1.img", 99 * Mebibyte));
        AssertRefused("7 ");

        // Pages of another process, or of shared memory, are nobody's of these.
        AssertRefused("7 ", ("pagemap-shmem-7.img", 10), ("pages-1.img", 99 * Mebibyte), ("pagemap-8.img", 10), ("pages-2.img", 99 * Mebibyte));
    }

    private void AssertRefused(string process, params (string Name, long Bytes)[] files)
    {
        var error = Assert.Throws<OperationFailedException>(() => Check(files));
        Assert.Equal("gpu-not-captured", error.Code);
        Assert.Contains($"CUDA process {process}", error.Message, StringComparison.Ordinal);
    }

    private void Check(params (string Name, long Bytes)[] files)
    {
        var services = new EngineServices(
            new EngineOptions { StateDirectory = _folder.FullName, RunDirectory = _folder.FullName }, NullLoggerFactory.Instance, TimeProvider.System);
        using var journal = services.Journal.Open(new JournalEntry
        {
            Operation = "op-1",
            Kind = OperationKind.Checkpoint,
            Phase = OperationPhase.Dump,
            Started = TimeProvider.System.GetUtcNow(),
            Repository = "",
            KeyFile = "",
            BootId = Host.BootId,
        });
        var found = new GpuInspection { Processes = [Process(7, 9 * Mebibyte), Process(8, 8 * Mebibyte)] };
        try
        {
            new GpuSuspension(services, new GpuDriver(services), found, journal).CheckImage(0, new CaptureStatistics
            {
                Bytes = files.Sum(static f => f.Bytes),
                PageBytes = 0,
                FilesOpened = files.Length,
                FilesClosed = files.Length,
                WaitedForMemory = TimeSpan.Zero,
                WaitingForMemory = false,
                Files = [.. files.Select(static f => new CapturedFileStatistics(f.Name, f.Bytes, TimeSpan.Zero, TimeSpan.Zero))],
            });
        }
        finally
        {
            journal.Close();
        }
    }

    private static GpuProcess Process(int pid, long growth) => new() { Pid = pid, StartTime = 1, OwnPid = pid, Label = $"{pid} (x)", Growth = growth };
}
