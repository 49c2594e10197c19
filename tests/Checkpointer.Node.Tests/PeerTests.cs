using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Node.Tests;

public sealed class PeerTests
{
    /// <summary>Drops root, asks, and prints status and code.</summary>
    private const string AskAsNobody = """
        import os, socket, sys
        os.setgid(65534); os.setuid(65534)
        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
        s.sendall(b"GET /v1/operations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while chunk := s.recv(65536): data += chunk
        print(data.decode())
        """;

    [Fact]
    public async Task A_caller_who_is_not_root_is_refused_even_when_the_socket_is_open_to_all()
    {
        await using var node = await NodeFixture.StartAsync();
        File.SetUnixFileMode(node.Directory.Path, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(node.Configuration.RunDirectory, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(node.Socket, (UnixFileMode)0b110_110_110);

        var answer = await Http.RunAsync("python3", "-c", AskAsNobody, node.Socket);

        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Assert.Contains("peer-refused", answer, StringComparison.Ordinal);
        Assert.Equal(65534u, Assert.Single(node.Log.WithId(EventIds.PeerRefused)).Fields["Uid"]);
    }

    [Fact]
    public async Task A_pid_of_a_caller_in_another_pid_namespace_is_translated()
    {
        await using var node = await NodeFixture.StartAsync();
        var asked = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnPreflightProcess = pid =>
        {
            asked.TrySetResult(pid);
            return Task.FromResult(new PreflightReport { Subject = NamespacePids(pid), Refuses = false, Findings = [] });
        };

        // In its namespace the shell is 1 and the sleep is 2 or so; the shell asks about the sleep by the number it knows.
        var script = $$"""
            sleep 60 & target=$!
            curl -sS --unix-socket {{node.Socket}} -H 'Content-Type: application/json' -d "{\"pid\":$target}" http://x/v1/preflight
            kill $target
            """;
        var answer = await Http.RunAsync("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script);

        var ours = await asked.Task.WaitAsync(node.Deadline);
        var subject = JsonDocument.Parse(answer).RootElement.GetProperty("subject").GetString()!;
        var numbers = subject.Split('\t', ' ').Where(n => n.Length > 0).Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(ours, numbers[0]);
        Assert.True(numbers.Length >= 2, subject);
        Assert.NotEqual(ours, numbers[^1]);
    }

    [Fact]
    public async Task A_pid_that_the_callers_namespace_does_not_have_is_not_found_though_ours_has_it()
    {
        await using var node = await NodeFixture.StartAsync();

        var script = $$"""curl -sS --unix-socket {{node.Socket}} -d '{"pid":{{Environment.ProcessId}}}' http://x/v1/preflight""";
        var answer = await Http.RunAsync("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script);

        Assert.Contains("pid-not-found", answer, StringComparison.Ordinal);
        Assert.Empty(node.Engine.Calls);
    }

    [Fact]
    public async Task Pids_are_translated_both_ways_and_into_deeper_namespaces()
    {
        // caller: a shell in a namespace of its own; deeper: a sleep in a namespace below that one.
        var start = new ProcessStartInfo(
            "unshare", ["--pid", "--fork", "--kill-child", "sh", "-c", "unshare --pid --fork --kill-child sleep 61 & echo ready; wait"])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            var pids = new CallerPids();
            var shell = await ChildAsync(process.Id);
            var sleep = await ChildAsync(await ChildAsync(shell));
            var seenByShell = pids.ToCallers(shell, sleep);

            Assert.InRange(seenByShell, 2, 20);
            Assert.Equal(sleep, pids.ToOurs(shell, seenByShell));
            Assert.Equal(shell, pids.ToOurs(shell, 1));
            Assert.Equal(1, pids.ToCallers(shell, shell));
            Assert.Equal(sleep, pids.ToOurs(sleep, 1));
            Assert.Equal(0, pids.ToCallers(sleep, shell));
            Assert.Equal(0, pids.ToCallers(shell, Environment.ProcessId));
            Assert.Equal(shell, pids.ToOurs(Environment.ProcessId, shell));
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_number_that_is_no_pid_is_refused(int pid)
    {
        var error = Assert.Throws<UsageException>(() => new CallerPids().ToOurs(Environment.ProcessId, pid));

        Assert.Equal("pid-invalid", error.Code);
    }

    [Fact]
    public void A_caller_outside_our_namespace_is_told_so()
    {
        var error = Assert.Throws<HostException>(() => new CallerPids().ToOurs(0, 1));

        Assert.Equal("caller-not-visible", error.Code);
    }

    private static string NamespacePids(int pid)
    {
        return File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("NSpid:", StringComparison.Ordinal))["NSpid:".Length..].Trim();
    }

    private static async Task<int> ChildAsync(int pid)
    {
        for (var i = 0; i < 3000; i++)
        {
            var children = await File.ReadAllTextAsync($"/proc/{pid}/task/{pid}/children");
            if (int.TryParse(children.Split(' ')[0], CultureInfo.InvariantCulture, out var child))
            {
                return child;
            }

            await Task.Delay(20);
        }

        throw new InvalidOperationException($"pid {pid} has no child");
    }
}
