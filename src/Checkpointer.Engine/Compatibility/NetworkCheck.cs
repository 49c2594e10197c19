using System.Net;
using System.Net.NetworkInformation;
using Checkpointer.Platform;
using TcpState = Checkpointer.Platform.TcpState;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Ports that the tree listens on must be free, addresses of its connections must exist.</summary>
internal static class NetworkCheck
{
    /// <summary>True when connections have to come back closed.</summary>
    public static bool Run(Requirement requirement, RestoreTarget target, FindingList findings)
    {
        if (target.OwnNetwork || (requirement.Listening.Count == 0 && requirement.Connections.Count == 0))
        {
            return false;
        }

        Ports(requirement, target.NetworkOf ?? Environment.ProcessId, findings);
        return Addresses(requirement, target, findings);
    }

    private static void Ports(Requirement requirement, int process, FindingList findings)
    {
        List<IPEndPoint> tcp = [.. ProcNet.ReadTcp(process).Where(s => s.State == TcpState.Listen).Select(s => s.Local)];
        List<IPEndPoint> udp = [.. ProcNet.ReadUdp(process).Select(s => s.Local)];
        foreach (ListeningAddress listening in requirement.Listening)
        {
            List<IPEndPoint> bound = listening.Protocol == "udp" ? udp : tcp;
            if (!IPEndPoint.TryParse(listening.Address, out IPEndPoint? wanted) || bound.FirstOrDefault(b => Collides(b, wanted)) is not { } other)
            {
                continue;
            }

            string subject = $"{listening.Protocol} {listening.Address}";
            string found = $"another program has {other}";
            if (other.AddressFamily == wanted.AddressFamily)
            {
                findings.Blocker("port-taken", subject, found, "a free port", "end that program, or restore on another node");
            }
            else
            {
                // Whether an IPv6 socket takes the IPv4 port too is its own option, which /proc does not show.
                findings.Overridable("port-taken", subject, found, "a free port", "end that program, or force it if its socket is for IPv6 only");
            }
        }
    }

    private static bool Collides(IPEndPoint a, IPEndPoint b)
    {
        return a.Port == b.Port && (a.Address.Equals(b.Address) || IsAny(a) || IsAny(b));
    }

    private static bool IsAny(IPEndPoint end)
    {
        return end.Address.Equals(IPAddress.Any) || end.Address.Equals(IPAddress.IPv6Any);
    }

    private static bool Addresses(Requirement requirement, RestoreTarget target, FindingList findings)
    {
        HashSet<IPAddress> here = target.NetworkOf is { } process ? NetNamespace.Run(process, AllAddresses) : AllAddresses();
        List<string> missing = requirement.Connections
            .Where(c => IPEndPoint.TryParse(c.Local, out IPEndPoint? local) && !IPAddress.IsLoopback(local.Address) && !here.Contains(WithoutScope(local.Address)))
            .Select(c => c.Local)
            .ToList();
        if (missing.Count == 0)
        {
            return false;
        }

        if (target.ClosesConnections)
        {
            findings.Note("tcp-address-missing", FindingList.Enumerate(missing), "the new container has another address", "nothing",
                "nothing: every connection of the tree comes back closed, as after a network failure");
            return true;
        }

        findings.Overridable("tcp-address-missing", FindingList.Enumerate(missing), "this node does not have the address", "the address, to go on with the connections",
            "give the address to this node, or force it: every connection of the tree then comes back closed");
        return true;
    }

    private static HashSet<IPAddress> AllAddresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => WithoutScope(a.Address))];

    private static IPAddress WithoutScope(IPAddress address)
    {
        return new IPAddress(address.GetAddressBytes());
    }
}
