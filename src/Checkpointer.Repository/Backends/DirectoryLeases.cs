using System.Globalization;
using System.Text;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Repository;

/// <summary>
/// Leases in a directory that may be a share between machines. The holder of a lease is the file with the highest number, <c>.lease-NAME.N</c>, if it was touched within
/// its duration by the file system's own time. To take over is to create the next number, which only one can; nothing is ever renamed away or taken from under a holder.
/// Giving back sets the time of the file to 1970 and leaves it there, so that numbers only grow: a latecomer that judged an old number creates a number below the
/// highest, sees that, and goes. Relies on what shares promise: exclusive creation, and fresh attributes at open.
/// </summary>
internal sealed class DirectoryLeases(string directory, string lockName, TimeProvider time)
{
    /// <summary>A file that does not say its duration counts as held for this long.</summary>
    private static readonly TimeSpan UnknownDuration = TimeSpan.FromMinutes(10);

    private const string Magic = "checkpointer-lease 1 ";
    private const int MaxHeader = 64;

    /// <summary>Times that the highest file may vanish while it is being looked at; each needs another one who took over just then.</summary>
    private const int MaxAttempts = 16;

    private readonly string _prefix = $".lease-{lockName}.";

    public DirectoryLease? TryTake(string name, ReadOnlySpan<byte> note, TimeSpan duration)
    {
        // The time first: were it asked after the file, a pause between the two would make a lease look stale that was renewed in that pause.
        DateTimeOffset now = StoreTime();
        Holder? holder = Highest();
        if (holder?.IsHeld(now) == true)
        {
            return null;
        }

        long number = (holder?.Number ?? 0) + 1;
        long asked = time.GetTimestamp();
        SafeFileHandle? handle = Create(number, note, duration, released: false);
        if (handle is null)
        {
            return null;
        }

        if (HighestNumber() != number)
        {
            // What we judged was long ago: others have come and gone since.
            handle.Dispose();
            DurableFile.Delete(PathOf(number));
            return null;
        }

        foreach (long old in Numbers().Where(n => n < number))
        {
            DurableFile.Delete(PathOf(old));
        }

        return new DirectoryLease(this, number, handle, name, duration, time, asked);
    }

    public LeaseInfo? Find()
    {
        if (HighestNumber() == 0)
        {
            return null;
        }

        DateTimeOffset now = StoreTime();
        return Highest() is { IsReleased: false } holder ? new LeaseInfo(holder.Note, holder.Touched, holder.IsHeld(now)) : null;
    }

    public bool Break()
    {
        if (Highest() is not { IsReleased: false } holder)
        {
            return false;
        }

        // A number that nobody holds: the holder of the lower one sees it at its next renewal.
        Create(holder.Number + 1, default, TimeSpan.Zero, released: true)?.Dispose();
        return true;
    }

    /// <summary>Forgets the numbers: for a name that nobody takes any more.</summary>
    public void Remove()
    {
        foreach (long number in Numbers().ToList())
        {
            DurableFile.Delete(PathOf(number));
        }
    }

    /// <summary>The highest number that there is; 0 for none.</summary>
    public long HighestNumber() => Numbers().DefaultIfEmpty().Max();

    private string PathOf(long number) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{_prefix}{number}"));

    private IEnumerable<long> Numbers()
    {
        if (!Directory.Exists(directory))
        {
            yield break;
        }

        foreach (string path in Directory.EnumerateFiles(directory, _prefix + "*"))
        {
            if (long.TryParse(Path.GetFileName(path.AsSpan())[_prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0)
            {
                yield return number;
            }
        }
    }

    private Holder? Highest()
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            long number = HighestNumber();
            if (number == 0)
            {
                return null;
            }

            try
            {
                // Opening it makes a share ask its server for the present time of the file.
                using SafeFileHandle file = File.OpenHandle(PathOf(number), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                return Read(number, file);
            }
            catch (FileNotFoundException)
            {
                // Its successor removed it since: look again.
            }
        }

        throw new IOException($"the lease files {_prefix}* in {directory} change all the time");
    }

    private static Holder Read(long number, SafeFileHandle file)
    {
        byte[] data = new byte[MaxHeader + LeaseInfo.MaxNote];
        data = data[..RandomAccess.Read(file, data, 0)];
        int end = data.AsSpan().IndexOf((byte)'\n');
        string header = end is > 0 and < MaxHeader ? Encoding.ASCII.GetString(data, 0, end) : "";
        bool sound = header.StartsWith(Magic, StringComparison.Ordinal)
            & long.TryParse(header.AsSpan(Math.Min(Magic.Length, header.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
            & milliseconds <= (long)UnknownDuration.TotalMilliseconds;
        return new Holder(
            number,
            FileTimes.Modified(file),
            sound ? TimeSpan.FromMilliseconds(milliseconds) : UnknownDuration,
            sound ? data.AsMemory(end + 1) : default);
    }

    /// <summary>The file, open; null: the number was taken.</summary>
    private SafeFileHandle? Create(long number, ReadOnlySpan<byte> note, TimeSpan duration, bool released)
    {
        string path = PathOf(number);
        string temporary = DurableFile.TemporaryPathFor(path);
        SafeFileHandle handle = Fds.Open(temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive);
        try
        {
            Fds.WriteAll(handle, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Magic}{(long)duration.TotalMilliseconds}\n")));
            Fds.WriteAll(handle, note);
            if (released)
            {
                File.SetLastWriteTimeUtc(handle, DateTime.UnixEpoch);
            }
            else
            {
                FileTimes.Touch(handle);
            }

            if (DurableFile.Publish(handle, temporary, path, createOnly: true))
            {
                return handle;
            }
        }
        catch (Exception)
        {
            handle.Dispose();
            File.Delete(temporary);
            throw;
        }

        handle.Dispose();
        return null;
    }

    /// <summary>The present time of the file system that the lease files are in.</summary>
    private DateTimeOffset StoreTime()
    {
        string temporary = DurableFile.TemporaryPathFor(Path.Combine(directory, "clock"));
        using SafeFileHandle handle = Fds.Open(temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive);
        try
        {
            return FileTimes.Touch(handle);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private sealed record Holder(long Number, DateTimeOffset Touched, TimeSpan Duration, ReadOnlyMemory<byte> Note)
    {
        public bool IsReleased => Touched == DateTimeOffset.UnixEpoch;

        public bool IsHeld(DateTimeOffset now) => !IsReleased && now - Touched <= Duration;
    }
}
