namespace Checkpointer.Platform;

/// <summary>A set of Linux capabilities.</summary>
/// <param name="Mask">One bit for each, as in /proc/PID/status.</param>
public readonly record struct CapabilitySet(ulong Mask)
{
    private const string Prefix = "CAP_";

    // Their order is the kernel's numbering, which only grows.
    private static readonly string[] All =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
        "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
        "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
        "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    /// <summary>Names of those that are in the set, such as <c>CAP_SYS_ADMIN</c>.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            ulong mask = Mask;
            return [.. All.Where((_, number) => (mask & (1UL << number)) != 0).Select(name => Prefix + name)];
        }
    }

    /// <summary>True when the set has it. With or without CAP_, case does not matter; an unknown name is an error.</summary>
    public bool Has(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string bare = name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? name[Prefix.Length..] : name;
        int number = Array.FindIndex(All, known => known.Equals(bare, StringComparison.OrdinalIgnoreCase));
        return number >= 0 ? (Mask & (1UL << number)) != 0 : throw new ArgumentException($"'{name}' is not a capability.", nameof(name));
    }
}
