namespace Checkpointer.Repository;

public sealed partial class StoreValidation
{
    /// <summary>Bytes of one read of the download.</summary>
    private const int ReadBytes = 1 << 20;

    /// <summary>Reads at once; a restore's.</summary>
    private const int Readers = 8;

    /// <summary>Random bytes both ways, as packs are: nothing on the way can compress them.</summary>
    private async Task<string> ThroughputAsync(long bytes, CancellationToken token)
    {
        byte[] data = Random(1 << 20);
        int objects = (int)Math.Max(1, (bytes + PackBytes - 1) / PackBytes);
        long each = bytes / objects;
        long start = _time.GetTimestamp();
        using SemaphoreSlim slots = new(Streams);
        await Task.WhenAll(Enumerable.Range(0, objects).Select(async i =>
        {
            await slots.WaitAsync(token).ConfigureAwait(false);
            try
            {
                await Task.Factory.StartNew(() => Upload(i, each, data, token), token, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            }
            finally
            {
                slots.Release();
            }
        })).ConfigureAwait(false);
        _up = each * objects / _time.GetElapsedTime(start).TotalSeconds;

        start = _time.GetTimestamp();
        int pieces = (int)((each + ReadBytes - 1) / ReadBytes);
        await Parallel.ForAsync(
            0,
            objects * pieces,
            new ParallelOptions { MaxDegreeOfParallelism = Readers, CancellationToken = token },
            async (i, t) =>
            {
                long offset = (long)(i % pieces) * ReadBytes;
                byte[] piece = System.Buffers.ArrayPool<byte>.Shared.Rent(ReadBytes);
                try
                {
                    int wanted = (int)Math.Min(ReadBytes, each - offset);
                    int got = await _backend.ReadAsync(NameOf(i / pieces), offset, piece.AsMemory(0, wanted), t).ConfigureAwait(false);
                    Require(got == wanted && piece.AsSpan(0, got).SequenceEqual(data.AsSpan(0, got)), "what was read is not what was written");
                }
                finally
                {
                    System.Buffers.ArrayPool<byte>.Shared.Return(piece);
                }
            }).ConfigureAwait(false);
        _down = each * objects / _time.GetElapsedTime(start).TotalSeconds;
        return Text($"{ByteSize.Format(each * objects)} in {objects} objects: {ByteSize.Format((long)_up)}/s up, {ByteSize.Format((long)_down)}/s down");
    }

    private string NameOf(int number) => Text($"{_folder}throughput/{number}");

    private void Upload(int number, long length, byte[] data, CancellationToken token)
    {
        using IObjectUpload upload = _backend.BeginPut(NameOf(number), token);
        for (long left = length; left > 0; left -= data.Length)
        {
            upload.Append(data.AsSpan(0, (int)Math.Min(left, data.Length)));
        }

        Require(upload.Commit(), "a new name was refused");
    }
}
