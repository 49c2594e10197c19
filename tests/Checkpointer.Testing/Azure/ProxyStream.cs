using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Checkpointer.Testing;

/// <summary>One side of a proxied connection: heads as text, bodies by length or in chunks as they come.</summary>
internal sealed class ProxyStream(NetworkStream stream)
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;

    /// <summary>Up to and with the empty line; null at the end of the connection.</summary>
    public async Task<string?> ReadHeadAsync(int most, CancellationToken cancellationToken)
    {
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            string? line = await ReadLineAsync(cancellationToken);
            if (line is null || head.Length > most)
            {
                return null;
            }

            head.Append(line);
        }

        return head.ToString();
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => stream.WriteAsync(data, cancellationToken);

    public Task SkipBodyAsync(string head, CancellationToken cancellationToken) => CopyBodyAsync(head, null, long.MaxValue, false, cancellationToken);

    /// <summary>The body that follows a head, or its beginning; optionally with a flipped bit in its middle.</summary>
    public async Task CopyBodyAsync(string head, ProxyStream? to, long most, bool flip, CancellationToken cancellationToken)
    {
        if (Header(head, "Transfer-Encoding")?.Contains("chunked", StringComparison.OrdinalIgnoreCase) == true)
        {
            await CopyChunksAsync(to, most, flip, cancellationToken);
            return;
        }

        long length = long.TryParse(Header(head, "Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out long told) ? told : 0;
        await CopyAsync(length, to, most, flip, cancellationToken);
    }

    private static string? Header(string head, string name)
    {
        int at = head.IndexOf($"\r\n{name}:", StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return null;
        }

        int from = at + name.Length + 3;
        return head[from..head.IndexOf("\r\n", from, StringComparison.Ordinal)].Trim();
    }

    private async Task CopyChunksAsync(ProxyStream? to, long most, bool flip, CancellationToken cancellationToken)
    {
        while (true)
        {
            string line = await ReadLineAsync(cancellationToken) ?? throw new IOException("the body ended early");
            long size = long.Parse(line.AsSpan().Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (to is not null)
            {
                await to.WriteAsync(Encoding.ASCII.GetBytes(line), cancellationToken);
            }

            await CopyAsync(size, to, most, flip && size > 0, cancellationToken);
            await CopyAsync(2, to, long.MaxValue, false, cancellationToken);
            if (size == 0 || size > most)
            {
                return;
            }

            most -= size;
            flip = false;
        }
    }

    private async Task CopyAsync(long length, ProxyStream? to, long most, bool flip, CancellationToken cancellationToken)
    {
        for (long at = 0; at < length;)
        {
            if (_start == _end && !await FillAsync(cancellationToken))
            {
                throw new IOException("the body ended early");
            }

            int count = (int)Math.Min(length - at, _end - _start);
            if (flip)
            {
                _buffer[_start + (count / 2)] ^= 1;
                flip = false;
            }

            if (to is not null && at < most)
            {
                await to.WriteAsync(_buffer.AsMemory(_start, (int)Math.Min(count, most - at)), cancellationToken);
            }

            _start += count;
            at += count;
            if (at >= most)
            {
                return;
            }
        }
    }

    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        StringBuilder line = new();
        while (true)
        {
            if (_start == _end && !await FillAsync(cancellationToken))
            {
                return null;
            }

            int feed = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            int count = feed < 0 ? _end - _start : feed + 1;
            line.Append(Encoding.ASCII.GetString(_buffer, _start, count));
            _start += count;
            if (feed >= 0)
            {
                return line.ToString();
            }
        }
    }

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, cancellationToken);
        return _end > 0;
    }
}
