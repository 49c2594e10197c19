using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// The engine's end of CRIU's action script: it accepts <c>checkpointer-hook</c> once, checks that it is the expected one, and lets
/// the caller decide whether CRIU goes on. Whatever goes wrong here makes the hook fail, and then CRIU resumes the workload.
/// </summary>
internal sealed class HookGate : IDisposable
{
    /// <summary>The longest line a hook sends is below 160 bytes. Bytes.</summary>
    private const int MaxLine = 256;

    /// <summary>A hook that connected sends its line at once.</summary>
    private static readonly TimeSpan LineDeadline = TimeSpan.FromSeconds(10);

    private readonly string _operation;
    private readonly string _action;
    private readonly string _token;
    private readonly UnixListener _listener;
    private readonly ILogger _logger;

    /// <summary>Listens on <paramref name="path"/> for one hook.</summary>
    /// <param name="path">A fresh socket path that only root can reach.</param>
    /// <param name="operation">The operation that the hook must name.</param>
    /// <param name="action">The CRIU action that is gated: <c>post-dump</c> or <c>post-restore</c>.</param>
    /// <param name="logger">Where refused connections are told.</param>
    public HookGate(string path, string operation, string action, ILogger logger)
    {
        SocketPath = path;
        _operation = operation;
        _action = action;
        _logger = logger;
        _token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        _listener = UnixListener.Bind(path);
    }

    public string SocketPath { get; }

    /// <summary>What CRIU's environment must hold so that its hook finds this gate.</summary>
    public IReadOnlyDictionary<string, string?> Environment(TimeSpan deadline) => new Dictionary<string, string?>
    {
        ["CHECKPOINTER_HOOK_SOCKET"] = SocketPath,
        ["CHECKPOINTER_HOOK_TOKEN"] = _token,
        ["CHECKPOINTER_HOOK_OPERATION"] = _operation,
        ["CHECKPOINTER_HOOK_DEADLINE"] = Math.Ceiling(deadline.TotalSeconds).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Waits until the expected hook asks. Connections that are not it are closed and the wait goes on.</summary>
    /// <param name="isExpected">Whether a process is CRIU or a child of it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<HookCall> WaitAsync(Func<int, bool> isExpected, CancellationToken cancellationToken) => DedicatedThread.Run(
        "hook gate",
        () =>
        {
            while (true)
            {
                var connection = _listener.Accept(Timeout.InfiniteTimeSpan, cancellationToken);
                try
                {
                    if (connection.Peer.Uid == 0 && isExpected(connection.Peer.Pid) && Read(connection) is { } call)
                    {
                        return call;
                    }

                    EngineLog.HookRefused(_logger, _operation, connection.Peer.Pid);
                }
                catch (Exception e) when (e is PlatformException or TimeoutException)
                {
                    EngineLog.HookBroken(_logger, e, _operation);
                }

                connection.Dispose();
            }
        });

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(SocketPath);
    }

    private HookCall? Read(UnixConnection connection)
    {
        connection.Timeout = LineDeadline;
        Span<byte> line = stackalloc byte[MaxLine];
        var length = 0;
        while (length < MaxLine && connection.ReadExactly(line.Slice(length, 1)))
        {
            if (line[length] == (byte)'\n')
            {
                return Parse(Encoding.ASCII.GetString(line[..length]), connection);
            }

            length++;
        }

        return null;
    }

    private HookCall? Parse(string line, UnixConnection connection)
    {
        var parts = line.Split(' ');
        var genuine = parts.Length == 6
            && parts[0] == "hook" && parts[1] == "1"
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(parts[2]), Encoding.ASCII.GetBytes(_token))
            && parts[3] == _operation && parts[4] == _action;
        if (!genuine)
        {
            return null;
        }

        _ = int.TryParse(parts[5], NumberStyles.None, CultureInfo.InvariantCulture, out var initPid);
        return new HookCall(connection, initPid);
    }
}
