namespace Checkpointer.Engine.Criu;

/// <summary>
/// What a person says of CRIU's options in place of what the inspection derived. Only these names and values: they are recorded in the
/// manifest and become a part of CRIU's command line, here and wherever the snapshot is restored.
/// </summary>
public static class CriuOptionOverrides
{
    private const string Yes = "yes";
    private const string No = "no";

    /// <summary>Above this nothing is a ghost file any more but a data set. Bytes.</summary>
    private const long LargestGhostLimit = 1L << 40;

    private static readonly string[] Switch = [Yes, No];

    /// <summary>Every name with its values; no values where it takes a size.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Known { get; } = new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
    {
        ["ext-unix-sk"] = Switch,
        ["file-locks"] = Switch,
        ["ghost-limit"] = [],
        ["link-remap"] = Switch,
        ["manage-cgroups"] = TreeOptions.CgroupModes,
        ["network-lock"] = TreeOptions.NetworkLocks,
        ["shell-job"] = Switch,
        ["skip-in-flight"] = Switch,
        ["tcp-established"] = Switch,
    };

    /// <summary>The options with a person's word in place of what was derived.</summary>
    /// <exception cref="UsageException">Codes <c>criu-option-unknown</c>, <c>criu-option-value</c>.</exception>
    public static TreeOptions Apply(TreeOptions derived, IReadOnlyDictionary<string, string> overrides)
    {
        TreeOptions options = derived;
        foreach ((string name, string value) in overrides)
        {
            options = Set(options, name, Checked(name, value));
        }

        return options;
    }

    /// <summary>A note for each option that is now something else than the inspection would have it.</summary>
    public static IReadOnlyList<Finding> Notes(TreeOptions derived, IReadOnlyDictionary<string, string> overrides)
    {
        return
        [
            .. overrides.Where(o => Set(derived, o.Key, Checked(o.Key, o.Value)) != derived).Select(o => new Finding(
                "criu-option-set", FindingSeverity.Note, o.Key, $"'{o.Value}' by request", "what the inspection derived", "nothing, if it was meant")),
        ];
    }

    private static string Checked(string name, string value)
    {
        if (!Known.TryGetValue(name, out IReadOnlyList<string>? values))
        {
            throw new UsageException("criu-option-unknown", $"'{name}' is no option of CRIU that can be set", $"name one of {string.Join(", ", Known.Keys)}");
        }

        if (values.Count > 0 && !values.Contains(value))
        {
            throw new UsageException("criu-option-value", $"'{value}' is no value of the CRIU option {name}", $"give one of {string.Join(", ", values)}");
        }

        return value;
    }

    private static TreeOptions Set(TreeOptions options, string name, string value) => name switch
    {
        "ext-unix-sk" => options with { ExtUnixSk = value == Yes },
        "file-locks" => options with { FileLocks = value == Yes },
        "ghost-limit" => options with { GhostLimit = GhostLimit(value) },
        "link-remap" => options with { LinkRemap = value == Yes },
        "manage-cgroups" => options with { ManageCgroups = value },
        "network-lock" => options with { NetworkLock = value },
        "shell-job" => options with { ShellJob = value == Yes },
        "skip-in-flight" => options with { SkipInFlight = value == Yes },
        "tcp-established" => options with { TcpEstablished = value == Yes },
        _ => throw new InvalidOperationException($"the known option {name} is not set anywhere"),
    };

    private static long GhostLimit(string value)
    {
        long bytes;
        try
        {
            bytes = ByteSize.Parse(value);
        }
        catch (UsageException e)
        {
            throw new UsageException("criu-option-value", $"'{value}' is no size for the CRIU option ghost-limit", "write it like 64M", e);
        }

        return bytes is > 0 and <= LargestGhostLimit
            ? bytes
            : throw new UsageException("criu-option-value", $"a ghost-limit of {value} is out of range", "give more than nothing and at most 1T");
    }
}
