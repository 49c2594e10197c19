using System.Text;

namespace Checkpointer.Engine.Criu;

/// <summary>Keeps the first part of what a child writes and reads the rest away, so that the child is never blocked by a full pipe.</summary>
internal sealed class BoundedOutput
{
    /// <summary>Kept bytes. CRIU's output before its log is open takes a few hundred.</summary>
    public const int MaximumBytes = 256 << 10;

    private const int BufferBytes = 8 << 10;

    private readonly Lock _lock = new();
    private readonly MemoryStream _kept = new();

    /// <summary>Reads to the end, or until <paramref name="stop"/>: somebody who outlives the child may hold the pipe open.</summary>
    public async Task DrainAsync(Stream source, CancellationToken stop)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                int read = await source.ReadAsync(buffer, stop).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }

                Keep(buffer.AsSpan(0, read));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The child has ended; what a grandchild still writes is of no interest.
        }
    }

    public override string ToString()
    {
        lock (_lock)
        {
            return Encoding.UTF8.GetString(_kept.GetBuffer(), 0, (int)_kept.Length);
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            int room = MaximumBytes - (int)_kept.Length;
            _kept.Write(bytes[..Math.Min(room, bytes.Length)]);
        }
    }
}
