using System.Globalization;

namespace Checkpointer.Engine.Criu;

/// <summary>
/// What CRIU must be told about one process tree: derived by the inspection, recorded in the manifest, and repeated at restore
/// (CRIU refuses, or worse misreads, an image whose options are not repeated).
/// </summary>
public sealed record TreeOptions
{
    /// <summary>The CPU check that is recorded and verified: <c>fpu,ins</c> wants a superset of instructions and the same FPU state layout.</summary>
    public const string DefaultCpuCapability = "fpu,ins";

    /// <summary>Values of <c>--manage-cgroups</c>. With all but <c>ignore</c> CRIU makes the cgroups of the dump again and moves the tree into them.</summary>
    public static readonly IReadOnlyList<string> CgroupModes = ["ignore", "none", "props", "soft", "full", "strict"];

    /// <summary>Ways to stop the network that we can undo after CRIU's death.</summary>
    public static readonly IReadOnlyList<string> NetworkLocks = ["nftables", "skip"];

    private static readonly string[] CpuCapabilities = ["none", "fpu", "ins", "fpu,ins", "cpu"];

    /// <summary>CRIU's own default ghost limit: unlinked open files up to this many bytes are copied into the image.</summary>
    public const long DefaultGhostLimit = 1L << 20;

    /// <summary>The tree has connected TCP sockets: they are dumped in repair mode.</summary>
    public bool TcpEstablished { get; set; }

    /// <summary>Connections that wait in a listener's queue, not accepted yet, are dropped instead of refused.</summary>
    public bool SkipInFlight { get; set; }

    /// <summary>The tree holds file locks.</summary>
    public bool FileLocks { get; set; }

    /// <summary>The root is not the leader of its session: CRIU must accept a session that begins outside the tree.</summary>
    public bool ShellJob { get; set; }

    /// <summary>A unix datagram socket of the tree is connected to a socket outside of it.</summary>
    public bool ExtUnixSk { get; set; }

    /// <summary>A file that is open was unlinked but still has other names.</summary>
    public bool LinkRemap { get; set; }

    /// <summary>Largest unlinked open file to take along, in bytes.</summary>
    public long GhostLimit { get; set; } = DefaultGhostLimit;

    /// <summary>Value of <c>--cpu-cap</c>, at dump and at restore.</summary>
    public string CpuCapability { get; set; } = DefaultCpuCapability;

    /// <summary>How CRIU stops the network while connections are dumped: <c>nftables</c>, or <c>skip</c> where there is nothing to lock.</summary>
    public string NetworkLock { get; set; } = "nftables";

    /// <summary>Value of <c>--manage-cgroups</c>, at dump and at restore: by default the tree is restored into the cgroup that its restore names.</summary>
    public string ManageCgroups { get; set; } = "ignore";

    /// <summary>Keys of <c>--external</c> at dump (<c>tty[8803:2d]</c>, <c>unix[1234]</c>, <c>pid[4026531836]:extpid</c>), in CRIU's spelling.</summary>
    public IReadOnlyList<string> External { get; set; } = [];

    /// <summary>The part of the command line of <c>criu dump</c> that these options stand for.</summary>
    public IReadOnlyList<string> DumpArguments()
    {
        List<string> arguments = Shared();
        Add(arguments, TcpEstablished, "--tcp-established");
        Add(arguments, SkipInFlight, "--skip-in-flight");
        Add(arguments, LinkRemap, "--link-remap");
        arguments.AddRange(["--network-lock", NetworkLock]);
        if (GhostLimit != DefaultGhostLimit)
        {
            arguments.AddRange(["--ghost-limit", GhostLimit.ToString(CultureInfo.InvariantCulture)]);
        }

        foreach (string key in External)
        {
            arguments.AddRange(["--external", key]);
        }

        return arguments;
    }

    /// <summary>The part of the command line of <c>criu restore</c> that these options stand for.</summary>
    /// <param name="closeTcp">Connected TCP sockets come back closed.</param>
    /// <param name="endedTcp">The image has sockets whose connections had ended before: see <see cref="HasEndedConnections"/>.</param>
    public IReadOnlyList<string> RestoreArguments(bool closeTcp, bool endedTcp = false)
    {
        List<string> arguments = Shared();
        Add(arguments, TcpEstablished && !closeTcp, "--tcp-established");
        Add(arguments, (TcpEstablished && closeTcp) || (!TcpEstablished && endedTcp), "--tcp-close");
        return arguments;
    }

    /// <summary>
    /// Whether the image has connections although the inspection saw none. A socket that its peer reset, and that the program holds
    /// on to, is in no table of the kernel; CRIU dumps it as a connection all the same, and restores it only where it is told that
    /// it may come back closed, which it was.
    /// </summary>
    /// <param name="files">The names of the snapshot's files.</param>
    public bool HasEndedConnections(IEnumerable<string> files) =>
        !TcpEstablished && files.Any(static name => name.StartsWith("tcp-stream-", StringComparison.Ordinal));

    /// <summary>The image files that a restore has to serve edited.</summary>
    /// <param name="pids">Every pid of the tree as the tree sees them.</param>
    /// <param name="names">The names of the image's files.</param>
    /// <param name="read">Reads a small file of the image, or null when there is none.</param>
    public async Task<IReadOnlyDictionary<string, ReadOnlyMemory<byte>>> EditedImagesAsync(
        IReadOnlySet<int> pids, IEnumerable<string> names, Func<string, int, Task<byte[]?>> read)
    {
        Dictionary<string, ReadOnlyMemory<byte>> edited = new(StringComparer.Ordinal);
        bool terminals = External.Any(k => k.StartsWith("tty[", StringComparison.Ordinal));
        if (ShellJob && terminals && await read(TtyInfoImage.FileName, TtyInfoImage.MaximumBytes).ConfigureAwait(false) is { } image)
        {
            edited[TtyInfoImage.FileName] = TtyInfoImage.WithoutForeignSessions(image, pids);
        }

        if (await read(TimerImage.FileName, TimerImage.MaximumBytes).ConfigureAwait(false) is { } files)
        {
            edited[TimerImage.FileName] = TimerImage.WithExpiredTimersArmed(files);
        }

        bool mounts = External.Any(k => k.StartsWith("mnt[", StringComparison.Ordinal));
        foreach (string name in names.Where(n => mounts && MountsImage.IsName(n)))
        {
            if (await read(name, MountsImage.MaximumBytes).ConfigureAwait(false) is { } table)
            {
                edited[name] = MountsImage.WithoutDeletedSources(table);
            }
        }

        return edited;
    }

    private static void Add(List<string> arguments, bool wanted, string argument)
    {
        if (wanted)
        {
            arguments.Add(argument);
        }
    }

    private List<string> Shared()
    {
        // These options come back from a manifest, which is not ours to believe.
        if (!CpuCapabilities.Contains(CpuCapability))
        {
            throw new RepositoryException("manifest-refused", $"the snapshot records the CPU check '{CpuCapability}', which does not exist", "make a new checkpoint");
        }

        if (!CgroupModes.Contains(ManageCgroups))
        {
            throw new RepositoryException("manifest-refused", $"the snapshot records the cgroup mode '{ManageCgroups}', which does not exist", "make a new checkpoint");
        }

        List<string> arguments = ["--manage-cgroups=" + ManageCgroups, "--cpu-cap=" + CpuCapability];
        Add(arguments, FileLocks, "--file-locks");
        Add(arguments, ShellJob, "--shell-job");
        Add(arguments, ExtUnixSk, "--ext-unix-sk");
        return arguments;
    }
}
