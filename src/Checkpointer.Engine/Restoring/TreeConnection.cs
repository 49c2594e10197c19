using System.Globalization;
using System.Text;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// A conversation with <c>checkpointer-init</c>, the owner of one restored tree: one line each way. Blocking; used from a dedicated
/// thread. The protocol is in <c>docs/native.md</c>.
/// </summary>
internal sealed class TreeConnection : IDisposable
{
    /// <summary>The owner's longest line is below 600 bytes. Bytes.</summary>
    private const int MaxLine = 1024;

    /// <summary>The owner answers in milliseconds unless it is gone.</summary>
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(10);

    private readonly UnixConnection _connection;

    private TreeConnection(UnixConnection connection)
    {
        _connection = connection;
    }

    /// <summary>Connects to the owner of the tree in <paramref name="treeDirectory"/>; null when there is none any more.</summary>
    public static TreeConnection? TryConnect(string treeDirectory, CancellationToken cancellationToken)
    {
        var path = Path.Combine(treeDirectory, "init.sock");
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return new TreeConnection(UnixListener.Connect(path, ConnectDeadline, cancellationToken));
        }
        catch (PlatformException)
        {
            // Nobody listens: the owner ended and left its socket's name behind.
            return null;
        }
    }

    /// <summary>Says a line. An owner that is gone does not hear it, which the next <see cref="ReadLine"/> tells.</summary>
    public void Send(string command)
    {
        try
        {
            _connection.Write(Encoding.ASCII.GetBytes(command + "\n"));
        }
        catch (PlatformException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            // It ended between the connection and here.
        }
    }

    /// <summary>The next line; null when the owner is gone. Waits in steps so that the token is seen.</summary>
    public string? ReadLine(CancellationToken cancellationToken)
    {
        Span<byte> line = stackalloc byte[MaxLine];
        for (var length = 0; length < MaxLine; length++)
        {
            while (!Fds.WaitReadable(_connection.Handle, TimeSpan.FromSeconds(1), cancellationToken))
            {
                // Nothing yet; the token is looked at in every step.
            }

            if (!TryRead(line.Slice(length, 1)))
            {
                return null;
            }

            if (line[length] == (byte)'\n')
            {
                return Encoding.ASCII.GetString(line[..length]);
            }
        }

        throw new OperationFailedException("tree-protocol", "checkpointer-init sent a line without an end.", "Use helpers of the same version.");
    }

    private bool TryRead(Span<byte> one)
    {
        try
        {
            return _connection.ReadExactly(one);
        }
        catch (PlatformException e) when (e.Errno == Errno.ECONNRESET)
        {
            // An owner that ends with a line of ours unread closes the connection so.
            return false;
        }
    }

    public static TreeExit? ParseExit(string line)
    {
        var parts = line.Split(' ');
        if (parts.Length != 2 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        return parts[0] switch
        {
            "exited" => new TreeExit(number, null),
            "signalled" => new TreeExit(null, number),
            _ => null,
        };
    }

    public void Dispose() => _connection.Dispose();
}
