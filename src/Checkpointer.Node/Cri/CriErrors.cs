using System.Net.Sockets;
using Grpc.Core;

namespace Checkpointer.Node.Cri;

/// <summary>What went wrong between us and a runtime, in our words. What the runtime itself says is quoted, on one line and bounded.</summary>
internal static class CriErrors
{
    public const string Unreachable = "runtime-unreachable";
    public const string NoCri = "runtime-no-cri";
    public const string Timeout = "runtime-timeout";

    /// <summary>Characters of a runtime's own text; some append whole logs.</summary>
    private const int MaxQuote = 600;

    private const string StartIt = "Start the runtime, or name its socket with --runtime-endpoint (or runtimeEndpoint in the service's configuration).";

    public static HostException NoneFound(IEnumerable<string> tried) => new(
        Unreachable, $"no container runtime answers on this node; tried {string.Join(", ", tried)}", StartIt);

    public static HostException NoSocket(string socket) => new(Unreachable, $"there is no socket {socket}", StartIt);

    public static HostException NotASocket(string path) => new(Unreachable, $"{path} is no socket", StartIt);

    /// <summary>The first answer of what was named with a command, which is then wrong usage: nothing on this node has to be mended for it.</summary>
    public static UsageException WrongEndpoint(HostException error) => new(
        "runtime-endpoint",
        error.Message,
        error.Code == NoCri ? error.Remedy : "Name the socket on which the container runtime serves CRI, or none: then the usual places are looked at.",
        error);

    /// <summary>For the runtime it still runs, because the runtime has not yet been told, or has not yet listened.</summary>
    public static UsageException HasEnded(string label) => new(
        "container-not-running", $"{label} has ended, or is ending; its runtime has not noticed yet", "Only a running container can be checkpointed or restored into.");

    public static HostException NoProcess(string label, string problem) => new(
        "container-process",
        $"{label}: {problem}",
        "Run checkpointer in the runtime's pid namespace: on the node itself, or in a pod with hostPID.");

    public static HostException BadAnswer(string what, string problem, Exception? inner = null) => new(
        "runtime-answer", $"what the runtime tells about {what} was not understood: {Quote(problem)}",
        "Look whether this runtime is containerd 1.6 or newer, or CRI-O; other ones do not tell enough.", inner);

    /// <summary>The error of a call. <paramref name="what"/> is what was asked, as in "listing the containers".</summary>
    public static CheckpointerException From(RpcException error, string what, string socket, TimeSpan deadline)
    {
        var detail = Quote(error.Status.Detail);
        return error.StatusCode switch
        {
            _ when SocketErrorOf(error) is { } socketError => Unconnected(socket, socketError, error),
            StatusCode.DeadlineExceeded => new HostException(
                Timeout,
                $"the runtime at {socket} did not finish {what} within {Durations.Format(deadline)}",
                "Look at the runtime's log and load, and whether this is a container runtime's socket; then repeat it.",
                error),
            StatusCode.Unimplemented => new HostException(
                NoCri,
                $"{socket} serves no container runtime interface of version 1 ({detail})",
                "Enable the CRI plugin (disabled_plugins in /etc/containerd/config.toml), or name another socket with --runtime-endpoint; "
                    + "containerd has to be 1.6 or newer.",
                error),
            StatusCode.ResourceExhausted => new HostException(
                "runtime-answer", $"the runtime's answer to {what} is larger than {ByteSize.Format(CriConnection.MaxReceiveBytes)}",
                "Remove containers that ended long ago.", error),
            StatusCode.Unavailable => new HostException(Unreachable, $"the runtime at {socket} is not available: {detail}", StartIt, error),
            StatusCode.Internal when IsForeign(error) => new HostException(
                Unreachable, $"what listens on {socket} does not speak gRPC", StartIt, error),
            _ => new OperationFailedException(
                "runtime-refused", $"the runtime failed at {what}: {detail}", "Its log tells more (journalctl -u containerd, or -u crio).", error),
        };
    }

    /// <summary>One line of bounded length.</summary>
    public static string Quote(string text)
    {
        var line = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length <= MaxQuote ? line : $"{line[..MaxQuote]}...";
    }

    private static HostException Unconnected(string socket, SocketException error, Exception cause) => error.SocketErrorCode switch
    {
        SocketError.AccessDenied => new HostException(
            "no-permission", $"{socket} may not be opened", "Run it as root, for example with sudo.", cause),
        SocketError.AddressNotAvailable => NoSocket(socket),
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => new HostException(
            Unreachable, $"what listens on {socket} closes the connection: it speaks no gRPC, or is ending", StartIt, cause),
        _ => new HostException(Unreachable, $"nobody listens on {socket}: {error.Message}", StartIt, cause),
    };

    private static SocketException? SocketErrorOf(RpcException error)
    {
        for (var inner = error.Status.DebugException; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException socket)
            {
                return socket;
            }
        }

        return null;
    }

    /// <summary>The other side closed or answered in another protocol.</summary>
    private static bool IsForeign(RpcException error) => error.Status.DebugException is HttpRequestException or IOException;
}
