using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// Keeps the tree's TCP connections out of repair mode while CRIU does not need it. CRIU puts each into that mode, writes it down, and
/// leaves it so to the end of the dump; were it killed meanwhile, the tree would run on at once, and whoever reads or writes such a
/// connection would get EPERM before anybody could mend it. So the mode ends here as soon as a connection was written down: until the end of the dump
/// CRIU's firewall table alone holds it. Only right before the tree is ended the mode is put on again, so that the connections end
/// without a word. (CRIU ending the mode once more, when it lets the tree run on, does no harm.)
/// </summary>
internal sealed class ConnectionGuard : IDisposable
{
    /// <summary>CRIU's image of one connection: this and the socket's inode in hexadecimal (criu/image-desc.c).</summary>
    private const string ImagePrefix = "tcp-stream-";

    private const string ImageSuffix = ".img";

    private readonly JournalEntry _entry;
    private readonly ILogger _logger;
    private readonly Dictionary<int, PidFd> _processes = [];
    private readonly List<Place> _cleared = [];
    private Dictionary<ulong, Place>? _places;

    /// <param name="entry">The operation, with the processes of its tree.</param>
    /// <param name="logger">Where a connection is told that could not be helped.</param>
    public ConnectionGuard(JournalEntry entry, ILogger logger)
    {
        _entry = entry;
        _logger = logger;
    }

    /// <summary>An image file is complete; if it is a connection's, CRIU has done with that socket. Capturing thread; never throws.</summary>
    public void Dumped(string file)
    {
        if (!TryParse(file, out var inode))
        {
            return;
        }

        try
        {
            // The tree is frozen since before the first of these files: one look at it is enough.
            _places ??= Look();
            if (_places.TryGetValue(inode, out var place))
            {
                Change(place, TcpRepair.Clear);
                _cleared.Add(place);
            }
        }
        catch (PlatformException e)
        {
            // It stays in repair mode, as CRIU left it: worse only if CRIU is killed.
            EngineLog.CleanupFailed(_logger, e, _entry.Operation, "the repair mode of socket " + inode.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The tree is about to be ended: its connections are to say nothing. After the capture.</summary>
    /// <exception cref="PlatformException">One could not be silenced; the tree must not be ended.</exception>
    public void Silence()
    {
        foreach (var place in _cleared)
        {
            Change(place, TcpRepair.Set);
        }
    }

    /// <summary>The tree runs on after all: whatever was silenced speaks again. Never throws.</summary>
    public void Release()
    {
        foreach (var place in _cleared)
        {
            try
            {
                Change(place, TcpRepair.Clear);
            }
            catch (PlatformException e)
            {
                // The process closed it or ended; what is left in repair mode is looked for once more when the workload is.
                EngineLog.CleanupFailed(_logger, e, _entry.Operation, $"the repair mode of fd {place.Fd} of pid {place.Pid}");
            }
        }
    }

    public void Dispose()
    {
        foreach (var process in _processes.Values)
        {
            process.Dispose();
        }
    }

    /// <summary>The socket's inode in the name of a connection's image.</summary>
    internal static bool TryParse(string file, out ulong inode)
    {
        inode = 0;
        return file.StartsWith(ImagePrefix, StringComparison.Ordinal) && file.EndsWith(ImageSuffix, StringComparison.Ordinal)
            && ulong.TryParse(file.AsSpan(ImagePrefix.Length..^ImageSuffix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out inode);
    }

    private Dictionary<ulong, Place> Look()
    {
        Dictionary<ulong, Place> places = [];
        foreach (var (pid, startTime) in Processes())
        {
            if (_processes.ContainsKey(pid) || PidFd.Open(pid) is not { } pidFd)
            {
                continue;
            }

            _processes[pid] = pidFd;
            if (ProcStat.Read(pid)?.StartTime != startTime)
            {
                continue;
            }

            foreach (var (fd, inode) in TaskState.Sockets(pid))
            {
                places.TryAdd(inode, new Place(pid, fd));
            }
        }

        return places;
    }

    /// <summary>The tree as it stands still, which may have processes that the entry does not know yet.</summary>
    private IEnumerable<(int Pid, ulong StartTime)> Processes()
    {
        var known = _entry.Processes.Select(static p => (p.Pid, p.StartTime));
        return _entry.Processes is [var root, ..] && ProcessTree.Read(root.Pid) is { } tree && tree.Root.StartTime == root.StartTime
            ? tree.Processes.Select(static p => (p.Pid, p.StartTime)).Concat(known)
            : known;
    }

    private void Change(Place place, Action<Microsoft.Win32.SafeHandles.SafeFileHandle> change)
    {
        using var socket = _processes[place.Pid].DuplicateFd(place.Fd);
        change(socket);
    }

    /// <summary>One descriptor of a socket; others may share it.</summary>
    private readonly record struct Place(int Pid, int Fd);
}
