using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Checkpointer.Testing;

/// <summary>
/// A small HTTP/1.1 proxy before an emulator that does to chosen requests what networks and busy services do. Every fault counts how often it struck, and
/// <see cref="VerifyAllFired"/> fails for one that never did.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private const int MaxHead = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<ProxyFault> _faults = [];
    private readonly List<Task> _connections = [];
    private readonly int _target;
    private readonly Task _accepting;
    private long _requests;

    /// <param name="targetPort">The emulator's, on the loopback.</param>
    public FaultProxy(int targetPort)
    {
        _target = targetPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Requests that came.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Adds a fault; the first that matches a request strikes.</summary>
    public ProxyFault Add(ProxyFault fault)
    {
        lock (_faults)
        {
            _faults.Add(fault);
        }

        return fault;
    }

    /// <summary>Throws when a fault never struck: the test that set it has shown nothing.</summary>
    public void VerifyAllFired()
    {
        lock (_faults)
        {
            foreach (ProxyFault fault in _faults)
            {
                if (fault.Fired == 0)
                {
                    throw new InvalidOperationException($"the fault '{fault.Kind}' on {fault.Method} '{fault.Contains}' never struck");
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        Task[] open;
        lock (_connections)
        {
            open = [.. _connections];
        }

        await Task.WhenAll(open);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                lock (_connections)
                {
                    _connections.RemoveAll(t => t.IsCompleted);
                    _connections.Add(Task.Run(() => ServeAsync(client)));
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using TcpClient server = new();
            await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            ProxyStream near = new(client.GetStream());
            ProxyStream far = new(server.GetStream());
            while (await near.ReadHeadAsync(MaxHead, _stop.Token) is { } head)
            {
                Interlocked.Increment(ref _requests);
                ProxyFault? fault = Pick(head);
                if (!await ExchangeAsync(near, far, head, fault))
                {
                    // Abruptly, as a broken network does.
                    client.LingerState = new LingerOption(true, 0);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side went away.
        }
        finally
        {
            client.Dispose();
        }
    }

    /// <summary>One request and its answer. False: the connection must end.</summary>
    private async Task<bool> ExchangeAsync(ProxyStream near, ProxyStream far, string head, ProxyFault? fault)
    {
        CancellationToken stop = _stop.Token;
        switch (fault?.Kind)
        {
            case FaultKind.Drop:
                return false;
            case FaultKind.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, stop);
                return false;
            case FaultKind.Answer:
                if (!head.Contains("\r\nExpect: 100-continue", StringComparison.OrdinalIgnoreCase))
                {
                    await near.SkipBodyAsync(head, stop);
                }

                await near.WriteAsync(Encoding.ASCII.GetBytes(fault.Response()), stop);
                return true;
            case FaultKind.Delay:
                await Task.Delay(fault.Delay, stop);
                break;
        }

        await far.WriteAsync(Encoding.ASCII.GetBytes(head), stop);
        if (head.Contains("\r\nExpect: 100-continue", StringComparison.OrdinalIgnoreCase))
        {
            await near.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stop);
        }

        await near.CopyBodyAsync(head, far, long.MaxValue, fault?.Kind == FaultKind.FlipRequest, stop);
        string? answer = await far.ReadHeadAsync(MaxHead, stop);
        while (answer?.StartsWith("HTTP/1.1 1", StringComparison.Ordinal) == true)
        {
            answer = await far.ReadHeadAsync(MaxHead, stop);
        }

        if (answer is null)
        {
            return false;
        }

        if (fault?.Kind == FaultKind.LoseAnswer)
        {
            await far.SkipBodyAsync(answer, stop);
            return false;
        }

        bool hasBody = !head.StartsWith("HEAD ", StringComparison.Ordinal);
        answer = fault is { Kind: FaultKind.Rewrite } ? fault.RewriteHead(answer) : answer;
        await near.WriteAsync(Encoding.ASCII.GetBytes(answer), stop);
        if (hasBody)
        {
            long most = fault?.Kind == FaultKind.Truncate ? fault.Bytes : long.MaxValue;
            await far.CopyBodyAsync(answer, near, most, fault?.Kind == FaultKind.FlipAnswer, stop);
        }

        return fault?.Kind != FaultKind.Truncate;
    }

    private ProxyFault? Pick(string head)
    {
        lock (_faults)
        {
            return _faults.FirstOrDefault(f => f.Strikes(head));
        }
    }
}
