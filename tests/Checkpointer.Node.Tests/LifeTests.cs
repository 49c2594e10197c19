using System.Net;
using System.Net.Sockets;

namespace Checkpointer.Node.Tests;

public sealed class LifeTests
{
    [Fact]
    public async Task Nothing_is_accepted_before_the_recovery_is_over()
    {
        var recover = new TaskCompletionSource<RecoveryReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        var engine = new ScriptedEngine { OnRecover = _ => recover.Task };
        await using var node = NodeFixture.Create(engine: engine);
        var starting = node.Host.StartAsync(node.Deadline);
        await UntilAsync(() => NodeClient.IsServiceAt(node.Socket), node.Deadline);

        Assert.False(await node.Client.IsReadyAsync(node.Deadline));
        var error = await Assert.ThrowsAsync<HostException>(() => node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline));
        Assert.Equal("service-recovering", error.Code);
        Assert.False(node.Notifier.Told.TryRead(out _));
        using var http = Http.Over(node.Socket);
        using var health = await http.GetAsync("/healthz", node.Deadline);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);

        recover.SetResult(new RecoveryReport { Operations = [] });
        await starting;
        Assert.True(await node.Client.WaitUntilReadyAsync(NodeFixture.Patience, node.Deadline));
        Assert.Equal("ready", await node.Notifier.Told.ReadAsync(node.Deadline));
        await node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline);
    }

    [Fact]
    public async Task What_recovery_found_is_logged()
    {
        var found = new RecoveredOperation
        {
            Operation = "op1",
            Kind = "checkpoint",
            Phase = "dump",
            Outcome = "rolled-back",
            Message = "It runs.",
        };
        var attention = found with { Operation = "op2", Outcome = "attention", Message = "It is stopped." };
        var engine = new ScriptedEngine { OnRecover = _ => Task.FromResult(new RecoveryReport { Operations = [found, attention] }) };
        await using var node = await NodeFixture.StartAsync(engine: engine);

        Assert.Contains("op1", Assert.Single(node.Log.WithId(EventIds.RecoveredOperation)).Text, StringComparison.Ordinal);
        Assert.Contains("op2", Assert.Single(node.Log.WithId(EventIds.RecoveryAttention)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recovery_that_fails_stops_the_start()
    {
        var engine = new ScriptedEngine
        {
            OnRecover = _ => throw new HostException("journal-too-new", "The journal is newer than this program."),
        };
        await using var node = NodeFixture.Create(engine: engine);

        var error = await Assert.ThrowsAsync<HostException>(() => node.Host.StartAsync(node.Deadline));

        Assert.Equal("journal-too-new", error.Code);
        Assert.False(await node.Client.IsReadyAsync(node.Deadline));
    }

    [Fact]
    public async Task A_graceful_stop_lets_running_operations_finish_and_cancels_waiting_ones()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MaxConcurrent = 1 });
        var gate = new Gate();
        node.Engine.OnCheckpoint = gate.RunAsync;
        var running = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await gate.Started.WaitAsync(node.Deadline);
        var waiting = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        var runningEnd = node.Client.FollowAsync(running.Id, null, node.Deadline);
        var waitingEnd = node.Client.FollowAsync(waiting.Id, null, node.Deadline);
        await UntilAsync(() => node.Service<OperationScheduler>().Queued == 1, node.Deadline);

        var stop = node.StopAsync();
        Assert.Equal(OperationOutcomes.Cancelled, (await waitingEnd).Outcome);
        var refused = await Assert.ThrowsAsync<HostException>(() => node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline));
        Assert.Equal("service-stopping", refused.Code);
        Assert.False(stop.IsCompleted);

        gate.Open();
        Assert.Equal(OperationOutcomes.Succeeded, (await runningEnd).Outcome);
        Assert.Equal(ExitCode.Done, await stop);
    }

    [Fact]
    public async Task A_stop_whose_time_is_up_rolls_running_operations_back()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { StopTimeout = TimeSpan.FromMilliseconds(100) });
        var gate = new Gate();
        node.Engine.OnCheckpoint = gate.RunAsync;
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await gate.Started.WaitAsync(node.Deadline);
        var end = node.Client.FollowAsync(operation.Id, null, node.Deadline);

        Assert.Equal(ExitCode.Done, await node.StopAsync());

        Assert.Equal(OperationOutcomes.Cancelled, (await end).Outcome);
        Assert.Single(node.Log.WithId(EventIds.RollingBack));
    }

    [Fact]
    public async Task A_second_service_on_the_same_socket_is_refused_and_the_first_goes_on()
    {
        await using var node = await NodeFixture.StartAsync();

        var error = Assert.Throws<HostException>(() => NodeHost.Create(node.Configuration, (_, _, _) => new ScriptedEngine()));

        Assert.Equal("socket-in-use", error.Code);
        Assert.Equal(ExitCode.Environment, error.ExitCode);
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(await node.Client.IsReadyAsync(node.Deadline));
    }

    [Fact]
    public async Task A_service_of_another_kind_on_the_socket_is_not_pushed_aside()
    {
        using var directory = new TempDirectory();
        var path = directory.File("node.sock");
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(path));
        other.Listen();

        var error = Assert.Throws<HostException>(() => SocketPlace.Take(path, directory.Path));

        Assert.Equal("socket-in-use", error.Code);
        Assert.True(File.Exists(path));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task A_socket_that_a_killed_service_left_is_replaced()
    {
        using var directory = new TempDirectory();
        var path = directory.File("node.sock");
        await LeaveSocketAsync(path);
        Assert.True(File.Exists(path));
        Assert.False(NodeClient.IsServiceAt(path));

        await using var node = await NodeFixture.StartAsync(c => c with { Socket = path, RunDirectory = directory.Path });

        Assert.True(await node.Client.IsReadyAsync(node.Deadline));
    }

    [Fact]
    public void A_file_in_the_sockets_place_is_kept()
    {
        using var directory = new TempDirectory();
        var path = directory.File("node.sock");
        File.WriteAllText(path, "precious");

        var error = Assert.Throws<HostException>(() => SocketPlace.Take(path, directory.Path));

        Assert.Equal("socket-path", error.Code);
        Assert.Equal("precious", File.ReadAllText(path));
    }

    [Fact]
    public async Task A_fifo_or_a_link_in_the_sockets_place_is_kept_too()
    {
        using var directory = new TempDirectory();
        await Http.RunAsync("mkfifo", directory.File("fifo"));
        File.CreateSymbolicLink(directory.File("link"), directory.File("nowhere"));
        Directory.CreateDirectory(directory.File("directory"));
        foreach (var name in (string[])["fifo", "link", "directory"])
        {
            var error = Assert.Throws<HostException>(() => SocketPlace.Take(directory.File(name), directory.Path));

            Assert.Equal("socket-path", error.Code);
            Assert.NotNull(new FileInfo(directory.File(name)).LinkTarget ?? (Path.Exists(directory.File(name)) ? "kept" : null));
        }
    }

    [Fact]
    public void A_directory_where_others_may_write_is_refused()
    {
        using var directory = new TempDirectory();
        File.SetUnixFileMode(directory.Path, (UnixFileMode)0b111_111_111);

        var error = Assert.Throws<HostException>(() => SocketPlace.Take(directory.File("node.sock"), "/run/elsewhere"));

        Assert.Equal("socket-directory", error.Code);
    }

    [Fact]
    public void A_path_that_the_kernel_cannot_take_is_refused()
    {
        using var directory = new TempDirectory();

        var error = Assert.Throws<HostException>(() => SocketPlace.Take(directory.File(new string('x', 108)), directory.Path));

        Assert.Equal("socket-path", error.Code);
    }

    [Fact]
    public async Task Socket_and_directory_are_roots_alone_and_the_socket_goes_with_the_service()
    {
        await using var node = await NodeFixture.StartAsync();

        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(node.Socket));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(node.Configuration.RunDirectory));

        await node.StopAsync();
        await node.Host.DisposeAsync();
        Assert.False(File.Exists(node.Socket));
        var error = await Assert.ThrowsAsync<HostException>(() => node.Client.GetNodeAsync(node.Deadline));
        Assert.Equal("service-unreachable", error.Code);
    }

    [Fact]
    public async Task The_watchdog_is_fed_while_the_loop_answers()
    {
        var notifier = new FakeNotifier { WatchdogInterval = TimeSpan.FromMilliseconds(200) };
        await using var node = await NodeFixture.StartAsync(notifier: notifier);

        for (var i = 0; i < 3;)
        {
            i += await notifier.Told.ReadAsync(node.Deadline) == "watchdog" ? 1 : 0;
        }

        await node.StopAsync();
    }

    [Fact]
    public async Task The_watchdog_is_not_fed_when_the_loop_is_dead()
    {
        var notifier = new FakeNotifier { WatchdogInterval = TimeSpan.FromMilliseconds(200) };
        await using var node = await NodeFixture.StartAsync(notifier: notifier);
        await node.Service<OperationScheduler>().DisposeAsync();
        await UntilAsync(() => node.Log.WithId(EventIds.WatchdogSilent).Any(), node.Deadline);

        while (notifier.Told.TryRead(out _))
        {
        }

        await UntilAsync(() => node.Log.WithId(EventIds.WatchdogSilent).Count() >= 3, node.Deadline);
        Assert.False(notifier.Told.TryRead(out _));
    }

    [Fact]
    public async Task A_service_that_dies_in_mid_operation_is_told_as_lost()
    {
        await using var node = await NodeFixture.StartAsync();
        var gate = new Gate();
        node.Engine.OnCheckpoint = gate.RunAsync;
        var checkpoint = node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline);
        await gate.Started.WaitAsync(node.Deadline);

        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await node.Host.App.StopAsync(now.Token);

        var error = await Assert.ThrowsAsync<AttentionException>(() => checkpoint);
        Assert.Equal("service-lost", error.Code);
        Assert.Equal(WorkloadState.Unknown, error.Workload);
        Assert.Null(error.SnapshotDurable);
    }

    private static async Task UntilAsync(Func<bool> condition, CancellationToken deadline)
    {
        while (!condition())
        {
            await Task.Delay(20, deadline);
        }
    }

    /// <summary>A child binds a socket and is gone, as after SIGKILL: .NET itself removes the file when it closes one.</summary>
    private static Task LeaveSocketAsync(string path)
    {
        return Http.RunAsync("python3", "-c", $"import socket; s = socket.socket(socket.AF_UNIX); s.bind('{path}'); s.listen()");
    }
}
