using System.Diagnostics;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>Measurements, run only when asked for by name; the numbers go to the test's output.</summary>
public sealed class ThroughputTests : StreamFixture
{
    private const int Mebibytes = 2048;

    [Fact(Explicit = true)]
    public async Task Capture_into_the_pool_without_storing()
    {
        BlockPool pool = Pool(64);
        pool.Prefault(Token);
        for (int round = 0; round < 5; round++)
        {
            CaptureServer server = Capture(new ReturningSink(), pool);
            Task run = server.RunAsync(Myself, Token);
            using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
            byte[] chunk = RandomBytes(1 << 20);
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            Stopwatch watch = Stopwatch.StartNew();
            await On("dump", () =>
            {
                using SafeFileHandle pages = criu.Create("pages-1.img");
                for (int i = 0; i < Mebibytes; i++)
                {
                    Fds.WriteAll(pages, chunk);
                }
            });
            await On("end", () => criu.Write("inventory.img", [1]));
            await Within(server.Complete);
            Report("capture", watch.Elapsed, Environment.CpuUsage.TotalTime - cpu);
            criu.Dispose();
            await Within(run);
            await server.DisposeAsync();
        }
    }

    [Theory(Explicit = true)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(12)]
    public async Task Serving_from_memory(int blocks)
    {
        MemoryImage image = new();
        image.Add("pages-1.img", RandomBytes(Mebibytes / 2 << 20));
        BlockPool pool = Pool(blocks);
        for (int round = 0; round < 4; round++)
        {
            ImageServer server = Serve(image, pool);
            Task run = server.RunAsync(Myself, Token);
            using FakeCriu criu = await On("criu", () => FakeCriu.ForRestore(Dir));
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            Stopwatch watch = Stopwatch.StartNew();
            await On("read", () =>
            {
                using SafeFileHandle pages = criu.Open("pages-1.img")!;
                byte[] buffer = new byte[1 << 20];
                while (Fds.Read(pages, buffer) > 0)
                {
                }
            });
            Report($"serve with {blocks} blocks", watch.Elapsed * 2, (Environment.CpuUsage.TotalTime - cpu) * 2);
            criu.Dispose();
            await Within(run);
            await server.DisposeAsync();
        }
    }

    [Fact(Explicit = true)]
    public async Task A_real_dump_into_the_pool_against_one_into_files_on_tmpfs()
    {
        if (RealCriu.Path is not { } criu)
        {
            Assert.Skip("needs CRIU 4.2 and root");
            return;
        }
        using RealCriu.Workload workload = await RealCriu.StartAsync(Dir, mib: 1024, children: 0, extents: 0, Token);
        string tmpfs = Directory.CreateDirectory($"/dev/shm/{Path.GetFileName(Dir)}").FullName;
        BlockPool pool = Pool(64);
        pool.Prefault(Token);
        string[] tree = ["--tree", $"{workload.Root}", "--leave-running"];
        for (int round = 0; round < 9; round++)
        {
            await RealCriu.RunAsync(criu, null, tmpfs, "dump", tree, Token);
            TimeSpan files = RealCriu.Frozen(tmpfs);
            Directory.GetFiles(tmpfs).ToList().ForEach(File.Delete);

            CaptureServer server = Capture(new ReturningSink(), pool);
            TaskCompletionSource<int> pid = new();
            Task run = server.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            await RealCriu.RunAsync(criu, pid, Dir, "dump", [.. tree, "--stream"], Token);
            await Within(run);
            cpu = Environment.CpuUsage.TotalTime - cpu;
            CaptureStatistics statistics = server.Statistics;
            TimeSpan pages = statistics.Completed!.Value - statistics.FirstPage!.Value;
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"frozen: tmpfs files {files.TotalMilliseconds:F0} ms, stream {RealCriu.Frozen(Dir).TotalMilliseconds:F0} ms; "
                + $"pages {statistics.PageBytes / pages.TotalSeconds / 1e9:F2} GB/s, our CPU {cpu.TotalSeconds / (statistics.Bytes / 1e9):F2} s/GB");
            await server.DisposeAsync();
        }
        Directory.Delete(tmpfs, true);
    }

    private static void Report(string what, TimeSpan elapsed, TimeSpan cpu)
    {
        double gigabytes = Mebibytes * 1.048576 / 1000;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{what}: {gigabytes / elapsed.TotalSeconds:F2} GB/s, {cpu.TotalSeconds / gigabytes:F2} CPU-s/GB (both ends of the pipe)");
    }

    private sealed class ReturningSink : ICaptureSink
    {
        public Task Failure => Task.Delay(-1);

        public ICaptureSinkFile OpenFile(string name, FileKind kind) => new Nothing();

        private sealed class Nothing : ICaptureSinkFile
        {
            public void Append(Block block) => block.Dispose();

            public void Write(ReadOnlySpan<byte> data)
            {
            }

            public void Complete()
            {
            }
        }
    }
}
