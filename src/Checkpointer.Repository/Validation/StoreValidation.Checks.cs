namespace Checkpointer.Repository;

public sealed partial class StoreValidation
{
    private async Task<string> WriteAndReadAsync(CancellationToken token)
    {
        byte[] data = Random(10_000);
        string name = _folder + "first";
        long start = _time.GetTimestamp();
        Require(_backend.Put(name, data, token), "a new name was refused");
        double seconds = _time.GetElapsedTime(start).TotalSeconds;
        byte[]? read = await _backend.TryReadAllAsync(name, data.Length, token).ConfigureAwait(false);
        Require(read is not null && read.AsSpan().SequenceEqual(data), "what was read is not what was written");
        Require(await _backend.DeleteAsync(name, token).ConfigureAwait(false), "a delete did not find its object");
        Require(await _backend.StatAsync(name, token).ConfigureAwait(false) is null, "a deleted object is still there");
        return Text($"a small object in {seconds * 1000:0} ms, read back equal, deleted");
    }

    private async Task<string> ClockAsync(CancellationToken token)
    {
        string name = _folder + "clock";
        DateTimeOffset before = _time.GetUtcNow();
        Require(_backend.Put(name, [1], token), "a new name was refused");
        DateTimeOffset after = _time.GetUtcNow();
        ObjectInfo? info = await _backend.StatAsync(name, token).ConfigureAwait(false);
        Require(info is not null, "a new object is not there");

        // The store's time has whole seconds in some stores: no drift is said that this alone explains.
        DateTimeOffset store = info!.Value.Modified;
        TimeSpan drift = store > after ? after - store : store.AddSeconds(1) < before ? before - store.AddSeconds(1) : TimeSpan.Zero;
        _drift = drift.TotalSeconds;
        Require(
            drift.Duration() <= MaxDrift,
            Text($"this node's clock is {Durations.Format(drift.Duration())} {(drift > TimeSpan.Zero ? "ahead of" : "behind")} the store's"),
            "set this node's clock (NTP)");
        return drift == TimeSpan.Zero ? "this node's clock and the store's agree" : Text($"this node's clock is {drift.TotalSeconds:+0.0;-0.0} s off the store's");
    }

    private async Task<string> CreateOnlyAsync(CancellationToken token)
    {
        string name = _folder + "once";
        Require(_backend.Put(name, [1, 2, 3], token), "a new name was refused");
        Require(!_backend.Put(name, [4, 5, 6], token), "a second write of the same name was let in: two checkpoints could overwrite each other");
        byte[]? read = await _backend.TryReadAllAsync(name, 3, token).ConfigureAwait(false);
        Require(read is [1, 2, 3], "a refused write changed the object");
        return "a second write of a name is refused and changes nothing";
    }

    private async Task<string> RaceAsync(CancellationToken token)
    {
        for (int round = 0; round < Rounds; round++)
        {
            string name = Text($"{_folder}race/{round}");
            using Barrier barrier = new(Writers);
            bool[] won = await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Factory.StartNew(
                () =>
                {
                    // Signalled also on the way out of a failure, so that nobody waits for ever.
                    try
                    {
                        using IObjectUpload upload = _backend.BeginPut(name, token);
                        upload.Append([(byte)i]);
                        barrier.SignalAndWait(token);
                        return upload.Commit();
                    }
                    catch (Exception)
                    {
                        barrier.RemoveParticipant();
                        throw;
                    }
                },
                token,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default))).ConfigureAwait(false);
            int winners = won.Count(w => w);
            Require(winners == 1, Text($"{winners} of {Writers} racing writers of one name were told that they won"));
            byte[]? read = await _backend.TryReadAllAsync(name, 1, token).ConfigureAwait(false);
            Require(read is [var winner] && winner == Array.IndexOf(won, true), "the object is not the winner's");
        }

        return Text($"{Rounds} times {Writers} writers of one name: exactly one won each time");
    }

    private async Task<string> VisibleWhenWholeAsync(CancellationToken token)
    {
        string name = _folder + "whole";
        byte[] data = Random(RangedBytes);
        using (IObjectUpload abandoned = _backend.BeginPut(name, token))
        {
            abandoned.Append(data);
            Require(await _backend.StatAsync(name, token).ConfigureAwait(false) is null, "an unfinished object is visible");
        }

        Require(await _backend.StatAsync(name, token).ConfigureAwait(false) is null, "an abandoned upload left an object");
        Require(_backend.Put(name, data, token), "an abandoned upload holds its name");
        Require((await _backend.StatAsync(name, token).ConfigureAwait(false))?.Length == data.Length, "a finished object has another length");
        return "an upload is invisible until it is committed, and leaves nothing when it is abandoned";
    }

    private async Task<string> RangesAsync(CancellationToken token)
    {
        string name = _folder + "ranges";
        byte[] data = Random(RangedBytes);
        Require(_backend.Put(name, data, token), "a new name was refused");
        (int Offset, int Length)[] ranges = [(0, 1), (1, 4096), (RangedBytes - 5, 5), (RangedBytes - 5, 100), (RangedBytes, 10), (RangedBytes + 999, 10), (0, RangedBytes), (777, 1 << 20)];
        foreach ((int offset, int length) in ranges)
        {
            byte[] read = new byte[length];
            int expected = Math.Clamp(RangedBytes - offset, 0, length);
            int got = await _backend.ReadAsync(name, offset, read, token).ConfigureAwait(false);
            Require(
                got == expected && read.AsSpan(0, got).SequenceEqual(data.AsSpan(Math.Min(offset, RangedBytes), expected)),
                Text($"the range of {length} bytes at {offset} came wrong"));
        }

        return Text($"{ranges.Length} ranges read exactly, past the end too");
    }

    private async Task<string> ListAsync(CancellationToken token)
    {
        string folder = _folder + "list/";
        for (int i = 0; i < Listed; i++)
        {
            string name = Text($"{folder}{i}");
            Require(_backend.Put(name, new byte[i], token), "a new name was refused");
            Require((await NamesAsync(folder, token).ConfigureAwait(false)).Contains(name), "an object that was just written is not listed");
        }

        Require((await NamesAsync(folder, token).ConfigureAwait(false)).Count == Listed, "a listing is not complete");
        await _backend.DeleteAsync(folder + "0", token).ConfigureAwait(false);
        Require((await NamesAsync(folder, token).ConfigureAwait(false)).Count == Listed - 1, "an object that was just deleted is still listed");
        return Text($"{Listed} objects, each listed right after it was written, and not after it was deleted");
    }

    private async Task<string> ConcurrencyAsync(CancellationToken token)
    {
        await Parallel.ForAsync(
            0,
            Concurrent,
            new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = token },
            async (i, t) =>
            {
                string name = Text($"{_folder}many/{i}");
                byte[] data = Random((64 << 10) + i);
                Require(_backend.Put(name, data, t), "a new name was refused");
                byte[]? read = await _backend.TryReadAllAsync(name, data.Length, t).ConfigureAwait(false);
                Require(read is not null && read.AsSpan().SequenceEqual(data), "beside other writers, what was read is not what was written");
            }).ConfigureAwait(false);
        Require((await NamesAsync(_folder + "many/", token).ConfigureAwait(false)).Count == Concurrent, "of concurrent writes some are missing");
        return Text($"{Concurrent} objects by {Writers} writers at once");
    }

    private async Task<string> LeasesAsync(CancellationToken token)
    {
        ILease? first = await _backend.TryLeaseAsync(_lease, default, LeaseTime, token).ConfigureAwait(false);
        Require(first is not null, "a free lease was refused");
        await using (first!.ConfigureAwait(false))
        {
            Require(await _backend.TryLeaseAsync(_lease, default, LeaseTime, token).ConfigureAwait(false) is null, "two held one lease");
            await first!.RenewAsync(token).ConfigureAwait(false);
        }

        ILease? second = await _backend.TryLeaseAsync(_lease, default, LeaseTime, token).ConfigureAwait(false);
        Require(second is not null, "a lease that was given back is not free");
        await second!.DisposeAsync().ConfigureAwait(false);
        return "one holder at a time";
    }

    private async Task<HashSet<string>> NamesAsync(string prefix, CancellationToken token)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        await foreach (ObjectInfo info in _backend.ListAsync(prefix, token).ConfigureAwait(false))
        {
            Require(names.Add(info.Name), "a listing names an object twice");
        }

        return names;
    }
}
