namespace Checkpointer.Node.Cri;

/// <summary>How the node's container runtime is reached, and where what is made in it goes.</summary>
public sealed record CriOptions
{
    /// <summary>The runtime's socket, as <c>/run/x.sock</c> or <c>unix:///run/x.sock</c>; null: the first usual one that answers.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The endpoint was named with the command that asks: one that is none is wrong usage (<see cref="CriErrors.WrongEndpoint"/>).</summary>
    public bool Given { get; init; }

    /// <summary>Logs of containers that we make ourselves stand below it, one directory a pod, as kubelet does it.</summary>
    public string LogDirectory { get; init; } = "/var/log/pods";

    /// <summary>How often the containers are listed where the runtime tells no events.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(2);
}
