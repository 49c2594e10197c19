using System.Diagnostics;
using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Checkpointing;

public sealed class HookGateTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();
    private readonly HookGate _gate;
    private readonly CancellationTokenSource _over = new();

    public HookGateTests()
    {
        _gate = new HookGate(_directory.File("hook.sock"), "op1", "post-dump", NullLogger.Instance);
    }

    public void Dispose()
    {
        _over.Cancel();
        _gate.Dispose();
        _over.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task The_expected_hook_is_let_through_and_answered()
    {
        var waiting = _gate.WaitAsync(static _ => true, _over.Token);
        using var hook = UnixListener.Connect(_gate.SocketPath, Patience);
        hook.Write(Line());

        using var call = await waiting.WaitAsync(Patience);
        Assert.Equal(77, call.InitPid);
        Assert.True(call.TryAllow());
        Assert.Equal("go\n", Read(hook));
    }

    [Fact]
    public async Task A_refusal_is_told()
    {
        var waiting = _gate.WaitAsync(static _ => true, _over.Token);
        using var hook = UnixListener.Connect(_gate.SocketPath, Patience);
        hook.Write(Line());

        using var call = await waiting.WaitAsync(Patience);
        call.Refuse();

        Assert.Equal("stop\n", Read(hook));
    }

    [Fact]
    public async Task A_refused_hook_is_never_let_through_afterwards()
    {
        var waiting = _gate.WaitAsync(static _ => true, _over.Token);
        using var hook = UnixListener.Connect(_gate.SocketPath, Patience);
        hook.Write(Line());

        using var call = await waiting.WaitAsync(Patience);
        call.Refuse();

        Assert.False(call.TryAllow());
        call.Dispose();
        Assert.Equal("stop\n", Read(hook));
        Assert.Equal("", Read(hook));
    }

    [Theory]
    [InlineData("hook 1 00000000000000000000000000000000 op1 post-dump 77\n")]
    [InlineData("hook 2 TOKEN op1 post-dump 77\n")]
    [InlineData("hook 1 TOKEN op2 post-dump 77\n")]
    [InlineData("hook 1 TOKEN op1 post-restore 77\n")]
    [InlineData("hook 1 TOKEN op1 post-dump\n")]
    [InlineData("\n")]
    public async Task A_line_that_is_not_the_hooks_is_turned_away_and_the_gate_stays_open(string line)
    {
        var waiting = _gate.WaitAsync(static _ => true, _over.Token);
        using (var stranger = UnixListener.Connect(_gate.SocketPath, Patience))
        {
            stranger.Write(System.Text.Encoding.ASCII.GetBytes(line.Replace("TOKEN", Token(), StringComparison.Ordinal)));
            Assert.Equal("", Read(stranger));
        }

        using var hook = UnixListener.Connect(_gate.SocketPath, Patience);
        hook.Write(Line());
        using var call = await waiting.WaitAsync(Patience);
        Assert.Equal(77, call.InitPid);
    }

    [Fact]
    public async Task A_line_without_an_end_is_bounded()
    {
        var waiting = _gate.WaitAsync(static _ => true, _over.Token);
        using var stranger = UnixListener.Connect(_gate.SocketPath, Patience);
        stranger.Write(new byte[256]);

        Assert.Equal("", Read(stranger));
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task A_process_that_is_not_expected_is_turned_away()
    {
        var asked = new TaskCompletionSource<int>();
        var waiting = _gate.WaitAsync(
            pid =>
            {
                asked.TrySetResult(pid);
                return false;
            },
            _over.Token);
        using var stranger = UnixListener.Connect(_gate.SocketPath, Patience);
        try
        {
            stranger.Write(Line());
        }
        catch (PlatformException)
        {
            // Turned away before it could say a word.
        }

        Assert.Equal("", Read(stranger));
        Assert.Equal(Environment.ProcessId, await asked.Task.WaitAsync(Patience));
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task Cancellation_ends_the_wait()
    {
        var waiting = _gate.WaitAsync(static _ => true, _over.Token);
        var clock = Stopwatch.StartNew();
        await _over.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
        Assert.True(clock.Elapsed < Patience);
    }

    private static string Read(UnixConnection connection)
    {
        connection.Timeout = Patience;
        var buffer = new byte[16];
        try
        {
            return System.Text.Encoding.ASCII.GetString(buffer, 0, connection.Read(buffer));
        }
        catch (PlatformException)
        {
            return ""; // closed with unread bytes: a reset
        }
    }

    private string Token() => _gate.Environment(Patience)["CHECKPOINTER_HOOK_TOKEN"]!;

    private byte[] Line() => System.Text.Encoding.ASCII.GetBytes($"hook 1 {Token()} op1 post-dump 77\n");
}
