using System.Globalization;
using System.Net;

namespace Checkpointer.Platform;

/// <summary>The kernel's TCP states as <c>/proc/net/tcp</c> numbers them.</summary>
public enum TcpState
{
    None = 0,
    Established = 1,
    SynSent = 2,
    SynReceived = 3,
    FinWait1 = 4,
    FinWait2 = 5,
    TimeWait = 6,
    Close = 7,
    CloseWait = 8,
    LastAck = 9,
    Listen = 10,
    Closing = 11,
    NewSynReceived = 12,
}

/// <summary>One line of <c>/proc/PID/net/tcp</c>, <c>tcp6</c>, <c>udp</c> or <c>udp6</c>.</summary>
/// <param name="Local">Our address.</param>
/// <param name="Remote">The peer's address; port 0 when there is none.</param>
/// <param name="State">TCP's state; UDP uses Established and Close.</param>
/// <param name="Inode">The socket's inode, 0 when no process owns it (yet).</param>
/// <param name="ReceiveQueue">Bytes waiting; on a listener: connections that wait to be accepted.</param>
public sealed record ProcInetSocket(IPEndPoint Local, IPEndPoint Remote, TcpState State, ulong Inode, long ReceiveQueue)
{
    /// <summary>Established, or on its way down with data perhaps still to go: CRIU needs <c>--tcp-established</c>.</summary>
    public bool IsConnected => State is not (TcpState.Listen or TcpState.Close or TcpState.TimeWait or TcpState.None);
}

/// <summary>One line of <c>/proc/PID/net/unix</c>.</summary>
/// <param name="Type">1 stream, 2 datagram, 5 seqpacket.</param>
/// <param name="State">1 unconnected (also listening), 2 connecting, 3 connected.</param>
/// <param name="IsListening">It accepts connections.</param>
/// <param name="Inode">The socket's inode.</param>
/// <param name="Path">Where it is bound; abstract names begin with <c>@</c>; empty when it is not bound.</param>
public sealed record ProcUnixSocket(int Type, int State, bool IsListening, ulong Inode, string Path);

/// <summary>Sockets of a network namespace, read through one of its processes.</summary>
public static class ProcNet
{
    private const int ListeningFlag = 0x10000; // __SO_ACCEPTCON
    private const int Ipv4Digits = 8;
    private const int Ipv6Digits = 32;

    /// <summary>TCP sockets (v4 and v6) of the process's network namespace.</summary>
    public static IReadOnlyList<ProcInetSocket> ReadTcp(int pid)
    {
        return [.. ParseInet(ProcText.Lines($"/proc/{pid}/net/tcp")), .. ParseInet(ProcText.Lines($"/proc/{pid}/net/tcp6"))];
    }

    /// <summary>UDP sockets (v4 and v6) of the process's network namespace.</summary>
    public static IReadOnlyList<ProcInetSocket> ReadUdp(int pid)
    {
        return [.. ParseInet(ProcText.Lines($"/proc/{pid}/net/udp")), .. ParseInet(ProcText.Lines($"/proc/{pid}/net/udp6"))];
    }

    /// <summary>Unix sockets of the process's network namespace.</summary>
    public static IReadOnlyList<ProcUnixSocket> ReadUnix(int pid)
    {
        return ParseUnix(ProcText.Lines($"/proc/{pid}/net/unix"));
    }

    /// <summary>Parses the lines of tcp, tcp6, udp or udp6; the heading is skipped.</summary>
    public static IReadOnlyList<ProcInetSocket> ParseInet(IEnumerable<string> lines)
    {
        List<ProcInetSocket> sockets = [];
        foreach (string line in lines)
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 10 || !fields[0].EndsWith(':'))
            {
                continue;
            }

            sockets.Add(new ProcInetSocket(
                ParseEndPoint(fields[1]),
                ParseEndPoint(fields[2]),
                (TcpState)int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                ulong.Parse(fields[9], CultureInfo.InvariantCulture),
                ParseReceiveQueue(fields[4])));
        }

        return sockets;
    }

    /// <summary>Parses the lines of unix; the heading is skipped.</summary>
    public static IReadOnlyList<ProcUnixSocket> ParseUnix(IEnumerable<string> lines)
    {
        List<ProcUnixSocket> sockets = [];
        foreach (string line in lines)
        {
            // Num RefCount Protocol Flags Type St Inode [Path], the path may hold blanks
            string[] fields = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 7 || !fields[0].EndsWith(':'))
            {
                continue;
            }

            int flags = int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            sockets.Add(new ProcUnixSocket(
                int.Parse(fields[4], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                int.Parse(fields[5], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                (flags & ListeningFlag) != 0,
                ulong.Parse(fields[6], CultureInfo.InvariantCulture),
                fields.Length > 7 ? fields[7] : ""));
        }

        return sockets;
    }

    // "00000000:00000001": bytes to send, then bytes received.
    private static long ParseReceiveQueue(string queues)
    {
        int colon = queues.IndexOf(':', StringComparison.Ordinal);
        return long.Parse(queues.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    // Addresses are printed as 32-bit words in host order: on a little-endian machine each word is turned round.
    private static IPEndPoint ParseEndPoint(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon is not (Ipv4Digits or Ipv6Digits))
        {
            throw new FormatException($"not an address: '{text}'");
        }

        byte[] address = Convert.FromHexString(text.AsSpan(0, colon));
        if (BitConverter.IsLittleEndian)
        {
            for (int word = 0; word < address.Length; word += 4)
            {
                Array.Reverse(address, word, 4);
            }
        }

        return new IPEndPoint(new IPAddress(address), int.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
