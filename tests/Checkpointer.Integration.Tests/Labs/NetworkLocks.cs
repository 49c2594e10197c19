using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Checkpointer.Integration.Tests;

/// <summary>
/// The nftables tables with which CRIU stops connections. A CRIU that is killed leaves its table, and every later CRIU on the machine reads all of them again and
/// again: some dozens make the dumps of other tests a minute longer.
/// </summary>
internal static partial class NetworkLocks
{
    private const int Netlink = 16; // AF_NETLINK
    private const int Raw = 3; // SOCK_RAW
    private const int Netfilter = 12; // NETLINK_NETFILTER
    private const byte Inet = 1; // NFPROTO_INET
    private const ushort Nftables = 10; // NFNL_SUBSYS_NFTABLES
    private const ushort Request = 1;
    private const ushort Acknowledge = 4;
    private const string IdLine = "CRIU run id = ";
    private const int IdLength = 21;

    /// <summary>The tables that the CRIUs with logs below this folder made, whether they are still there or not.</summary>
    internal static IReadOnlyList<string> Of(string directory) =>
        Directory.Exists(directory)
            ? [.. Directory.EnumerateFiles(directory, "*.log", SearchOption.AllDirectories).Select(TableOf).OfType<string>()]
            : [];

    /// <summary>Deletes a table of our network namespace. False: there is none, or we may not.</summary>
    internal static bool Delete(string table) => Ask(DeleteTable, Text(table)) == 0;

    internal static bool Exists(string table) => Ask(GetTable, Text(table)) == 0;

    private const ushort GetTable = (Nftables << 8) | 1;
    private const ushort DeleteTable = (Nftables << 8) | 2;

    private static string? TableOf(string log)
    {
        var line = File.ReadLines(log).Take(200).FirstOrDefault(l => l.Contains(IdLine, StringComparison.Ordinal));
        var id = line?[(line.IndexOf(IdLine, StringComparison.Ordinal) + IdLine.Length)..];
        return id is { Length: >= IdLength } ? $"CRIU-{id[..IdLength]}" : null;
    }

    /// <summary>One request about a table; the errno of the answer.</summary>
    private static int Ask(ushort type, byte[] attribute)
    {
        var socket = Socket(Netlink, Raw, Netfilter);
        if (socket < 0)
        {
            throw new InvalidOperationException($"no netlink socket: errno {Marshal.GetLastPInvokeError()}");
        }

        try
        {
            // A change comes in a batch, a question does not.
            byte[] message = type == GetTable
                ? Message(type, Request | Acknowledge, Inet, 0, attribute)
                : [.. Message(0x10, Request, 0, Nftables, []), .. Message(type, Request | Acknowledge, Inet, 0, attribute), .. Message(0x11, Request, 0, Nftables, [])];
            var answer = new byte[4096];
            if (Send(socket, message, message.Length, 0) != message.Length)
            {
                return Marshal.GetLastPInvokeError();
            }

            const int Error = 2; // NLMSG_ERROR; an errno follows the header, 0 for success
            var got = Receive(socket, answer, answer.Length, 0);
            return got >= 20 && BitConverter.ToUInt16(answer, 4) == Error ? -BitConverter.ToInt32(answer, 16) : got > 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        finally
        {
            _ = Close(socket);
        }
    }

    private static byte[] Message(ushort type, int flags, byte family, ushort resource, byte[] body)
    {
        const int Header = 20;
        var bytes = new byte[Header + body.Length];
        BitConverter.TryWriteBytes(bytes, bytes.Length);
        BitConverter.TryWriteBytes(bytes.AsSpan(4), type);
        BitConverter.TryWriteBytes(bytes.AsSpan(6), (ushort)flags);
        bytes[16] = family;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(18), resource);
        body.CopyTo(bytes, Header);
        return bytes;
    }

    /// <summary>The attribute of a table's name, padded.</summary>
    private static byte[] Text(string table)
    {
        var length = 4 + Encoding.ASCII.GetByteCount(table) + 1;
        var bytes = new byte[(length + 3) & ~3];
        BitConverter.TryWriteBytes(bytes, (ushort)length);
        BitConverter.TryWriteBytes(bytes.AsSpan(2), (ushort)1);
        Encoding.ASCII.GetBytes(table, bytes.AsSpan(4));
        return bytes;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(int socket, byte[] data, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int socket, byte[] data, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
