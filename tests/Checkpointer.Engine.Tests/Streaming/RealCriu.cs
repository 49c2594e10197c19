using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>Runs the real CRIU, and a tree of Python processes that answer for their own memory.</summary>
internal static class RealCriu
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    // argv: directory, MiB of memory of each process, children, extents. Every process holds private and shared memory, and answers for it.
    private const string Script = """
        import hashlib, mmap, os, sys, time
        where, mib, children, extents = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
        shared = mmap.mmap(-1, 4 << 20)
        shared[:] = os.urandom(4 << 20)
        for _ in range(children):
            if os.fork() == 0:
                break
        memory = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for i in range(0, mib << 20, 1 << 20):
            memory[i:i + (1 << 20)] = bytes(1 << 20) if (i >> 20) % 3 == 2 else os.urandom(1 << 20)
        sparse = mmap.mmap(-1, max(extents, 1) * 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        sparse.madvise(mmap.MADV_NOHUGEPAGE)
        for i in range(extents):
            sparse[i * 8192:i * 8192 + 8] = i.to_bytes(8, 'little')
        def digest():
            d = hashlib.sha256(memory)
            d.update(shared)
            for i in range(extents):
                d.update(sparse[i * 8192:i * 8192 + 8])
            return d.hexdigest()
        before = digest()
        me = os.getpid()
        open(f'{where}/ready-{me}', 'w').close()
        while not os.path.exists(f'{where}/verify'):
            time.sleep(0.05)
        with open(f'{where}/part-{me}', 'w') as f:
            f.write('same' if digest() == before else 'DIFFERENT')
        os.rename(f'{where}/part-{me}', f'{where}/result-{me}')
        time.sleep(600)
        """;

    /// <summary>Null where the tests that need it are to be skipped.</summary>
    public static string? Path
    {
        get
        {
            string? path = Environment.GetEnvironmentVariable("CHECKPOINTER_CRIU") ?? FindUpwards("artifacts/criu/sbin/criu");
            return Host.EffectiveUid == 0 && File.Exists(path) ? path : null;
        }
    }

    /// <summary>Runs it to its end; a failure shows the errors of its log.</summary>
    public static async Task RunAsync(string criu, TaskCompletionSource<int>? started, string dir, string verb, string[] arguments, CancellationToken token)
    {
        string log = System.IO.Path.Combine(dir, verb + ".log");
        string empty = Directory.CreateTempSubdirectory("ckpt-libdir-").FullName;
        using Process process = Process.Start(new ProcessStartInfo(
            criu,
            [
                verb, "--no-default-config", "--images-dir", dir, "--work-dir", dir, "--libdir", empty, "--log-file", log, "-v4",
                "--manage-cgroups=ignore", "--network-lock", "skip", .. arguments,
            ]))!;
        started?.SetResult(process.Id);
        await process.WaitForExitAsync(token).WaitAsync(Patience, token);
        Directory.Delete(empty);
        if (process.ExitCode != 0)
        {
            string[] lines = await File.ReadAllLinesAsync(log, token);
            Assert.Fail($"criu {verb} exited with {process.ExitCode}:\n{string.Join('\n', lines.Where(l => l.Contains("Error", StringComparison.Ordinal)).Take(20))}");
        }
    }

    /// <summary>CRIU's own figure, from <c>stats-dump</c>: two magics, a length, then field 1 (the dump) with frozen_time as its field 2.</summary>
    public static TimeSpan Frozen(string dir)
    {
        ReadOnlySpan<byte> stats = File.ReadAllBytes(System.IO.Path.Combine(dir, "stats-dump"));
        Assert.True(BinaryPrimitives.ReadInt32LittleEndian(stats[8..]) > 4);
        ReadOnlySpan<byte> dump = stats[14..];
        Field(ref dump, 0x08);
        return TimeSpan.FromMicroseconds(Field(ref dump, 0x10));
    }

    public static async Task<Workload> StartAsync(string dir, int mib, int children, int extents, CancellationToken token)
    {
        await File.WriteAllTextAsync(System.IO.Path.Combine(dir, "workload.py"), Script, token);

        // A session of its own, nothing of ours open: CRIU dumps nothing that leads outside.
        string command = $"exec setsid python3 {dir}/workload.py {dir} {mib} {children} {extents} </dev/null >/dev/null 2>{dir}/stderr";
        using Process process = Process.Start("bash", ["-c", command]);
        Workload workload = new(dir, process.Id, children + 1);
        await workload.WaitForFilesAsync("ready-*", token);
        return workload;
    }

    private static long Field(ref ReadOnlySpan<byte> message, byte tag)
    {
        Assert.Equal(tag, message[0]);
        long value = 0;
        int at = 1;
        for (int shift = 0; ; shift += 7)
        {
            value |= (long)(message[at] & 0x7F) << shift;
            if (message[at++] < 0x80)
            {
                message = message[at..];
                return value;
            }
        }
    }

    private static string? FindUpwards(string relative)
    {
        for (DirectoryInfo? dir = new(AppContext.BaseDirectory); dir is not null; dir = dir.Parent)
        {
            string candidate = System.IO.Path.Combine(dir.FullName, relative);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }
        return null;
    }

    /// <summary>The tree; disposing it kills whatever of it is left, restored or not.</summary>
    public sealed class Workload(string dir, int root, int processes) : IDisposable
    {
        public int Root => root;

        /// <summary>Every process compares its memory with what it was before; the result is "same" or "DIFFERENT".</summary>
        public async Task<string[]> VerifyAsync(CancellationToken token)
        {
            await File.WriteAllTextAsync(System.IO.Path.Combine(dir, "verify"), "", token);
            return [.. (await WaitForFilesAsync("result-*", token)).Select(File.ReadAllText)];
        }

        public async Task<string[]> WaitForFilesAsync(string pattern, CancellationToken token)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (true)
            {
                string[] files = Directory.GetFiles(dir, pattern);
                if (files.Length >= processes)
                {
                    return files;
                }
                if (watch.Elapsed > Patience)
                {
                    Assert.Fail($"{files.Length} of {processes} {pattern}; {await File.ReadAllTextAsync(System.IO.Path.Combine(dir, "stderr"), token)}");
                }
                await Task.Delay(50, token);
            }
        }

        public void Dispose()
        {
            foreach (string ready in Directory.GetFiles(dir, "ready-*"))
            {
                int pid = int.Parse(ready[(ready.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture);
                using PidFd? process = PidFd.Open(pid);
                string command = $"/proc/{pid}/cmdline";

                // Only processes that run this test's own script.
                if (process is not null && File.Exists(command) && File.ReadAllText(command).Contains(dir, StringComparison.Ordinal))
                {
                    process.Signal(Signals.Kill);
                    process.WaitExit(Patience, CancellationToken.None);
                }
            }
        }
    }
}
