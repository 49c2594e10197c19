using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Checkpointer.Integration.Tests;

/// <summary>The Python tree of <c>tests/workloads/counter.py</c>: it counts, checks itself and answers questions.</summary>
internal sealed class CounterWorkload
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    private CounterWorkload(string directory, int pid)
    {
        Directory = directory;
        Pid = pid;
    }

    internal string Directory { get; }

    /// <summary>The root of the tree as it was started.</summary>
    internal int Pid { get; }

    private string LogPath => Path.Combine(Directory, "count.log");

    /// <summary>Starts it and waits until it counts.</summary>
    internal static async Task<CounterWorkload> StartAsync(Lab lab, int mebibytes = 32, int workers = 2, string name = "counter")
    {
        var python = Installation.NeedProgram("python3");
        var directory = Path.Combine(lab.Directory, name);
        System.IO.Directory.CreateDirectory(directory);
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, name + ".out"), python, Path.Combine(Installation.Workloads, "counter.py"), directory, "--size", $"{mebibytes}", "--workers", $"{workers}");
        lab.TrackFile($"/dev/shm/counter-{pid}");
        var workload = new CounterWorkload(directory, pid);
        await workload.MustCountAsync(StartLimit);
        return workload;
    }

    /// <summary>What it last wrote about itself; null before its first count.</summary>
    internal CounterStatus? Status()
    {
        var path = Path.Combine(Directory, "status");
        var text = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        return text.Length == 0 ? null : CounterStatus.Parse(text);
    }

    /// <summary>Fails the test unless the count grows from now on.</summary>
    internal async Task<CounterStatus> MustCountAsync(TimeSpan? limit = null)
    {
        var before = Status()?.Count ?? 0;
        return await Eventually.ValueAsync(
            $"count above {before}", limit ?? TimeSpan.FromSeconds(60), () => Status() is { } status && status.Count > before ? status : null);
    }

    /// <summary>Fails the test if the count still grows.</summary>
    internal async Task MustStandStillAsync()
    {
        var before = Status()!.Count;
        await Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken);
        Assert.Equal(before, Status()!.Count);
    }

    /// <summary>Every byte of its memory, checked by itself now, with the answer sent over TCP.</summary>
    internal async Task<CounterStatus> VerifyAsync()
    {
        var status = CounterStatus.Parse(await AskAsync("verify"));
        Assert.Equal(0, status.Errors);
        return status;
    }

    /// <summary>One line to its TCP port, one line back.</summary>
    internal async Task<string> AskAsync(string request)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(AnswerLimit);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Status()!.Port, deadline.Token);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request + "\n"), deadline.Token);
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadLineAsync(deadline.Token) ?? throw new Xunit.Sdk.XunitException($"no answer to '{request}'");
    }

    /// <summary>The log of counts has every number once: nothing was lost and nothing happened twice.</summary>
    internal void MustHaveCountedWithoutGap()
    {
        var expected = 0L;
        foreach (var line in File.ReadLines(LogPath))
        {
            expected++;
            Assert.True(line == $"{expected}", $"{LogPath} line {expected} is '{line}'");
        }

        Assert.NotEqual(0, expected);
    }

    /// <summary>None of its processes exists any more (zombies of a slow reaper aside).</summary>
    internal void MustBeGone(CounterStatus last)
    {
        foreach (var pid in last.Workers.Append(last.Pid))
        {
            Assert.False(Processes.IsAlive(pid), $"{pid} still runs: {Processes.CommandLine(pid)}");
        }
    }
}

/// <summary>The status that <c>counter.py</c> writes. Pids are those of its own pid namespace.</summary>
internal sealed record CounterStatus(int Pid, long Count, int Port, long Errors, long Alarms, long Pings, double LongestGap, string Digest, IReadOnlyList<int> Workers)
{
    internal static CounterStatus Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        return new CounterStatus(
            root.GetProperty("pid").GetInt32(),
            root.GetProperty("count").GetInt64(),
            root.GetProperty("port").GetInt32(),
            root.GetProperty("errors").GetInt64(),
            root.GetProperty("alarms").GetInt64(),
            root.GetProperty("pings").GetInt64(),
            root.GetProperty("longestGap").GetDouble(),
            root.GetProperty("digest").GetString()!,
            [.. root.GetProperty("workers").EnumerateArray().Select(worker => worker.GetProperty("pid").GetInt32())]);
    }
}
