using System.Text;

namespace Checkpointer.Node.Cri;

/// <summary>Where runtimes listen, and how a person writes such a place.</summary>
public static class CriEndpoint
{
    /// <summary>What stands in front of a path, in the ways that other tools take.</summary>
    private static readonly string[] Schemes = ["unix://", "unix:"];

    /// <summary>
    /// The sockets of the usual installations, most likely first. Docker's own containerd listens at the first one too, but serves no
    /// CRI there: then the next is tried.
    /// </summary>
    public static readonly IReadOnlyList<string> Usual =
    [
        "/run/containerd/containerd.sock",
        "/run/k3s/containerd/containerd.sock",
        "/run/crio/crio.sock",
        "/run/cri-dockerd.sock",
        "/var/snap/microk8s/common/run/containerd.sock",
    ];

    /// <summary>The socket's path.</summary>
    /// <exception cref="UsageException">Code <c>runtime-endpoint</c>: it is no path of a unix socket.</exception>
    public static string PathOf(string endpoint)
    {
        var path = endpoint;
        if (Schemes.FirstOrDefault(scheme => endpoint.StartsWith(scheme, StringComparison.Ordinal)) is { } found)
        {
            path = endpoint[found.Length..];
        }

        if (!path.StartsWith('/') || path.Contains('\0'))
        {
            throw new UsageException(
                "runtime-endpoint",
                $"'{endpoint}' is no place of a container runtime",
                "Name its unix socket by an absolute path, for example --runtime-endpoint /run/containerd/containerd.sock.");
        }

        var bytes = Encoding.UTF8.GetByteCount(path);
        return bytes <= SocketPlace.MaxPathBytes ? path : throw new UsageException(
            "runtime-endpoint",
            $"the runtime's socket has a path of {bytes} bytes; the kernel takes at most {SocketPlace.MaxPathBytes}",
            "Make a short symbolic link to its directory and name the socket through it.");
    }
}
