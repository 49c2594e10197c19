namespace Checkpointer.Node;

/// <summary>
/// Asks whether a process can be checkpointed (<see cref="Pid"/>) or a snapshot restored here (<see cref="Snapshot"/>, <see cref="Latest"/>): one of
/// these, or <see cref="Container"/>, or <see cref="Pod"/>.
/// </summary>
public sealed record PreflightRequest
{
    /// <summary>In the caller's pid namespace.</summary>
    public int? Pid { get; init; }

    /// <summary>A container by id, name or <c>NAMESPACE/POD/CONTAINER</c>.</summary>
    public string? Container { get; init; }

    /// <summary>A pod by <c>NAMESPACE/POD</c>, <c>POD</c> or the id of its sandbox.</summary>
    public string? Pod { get; init; }

    public string? Snapshot { get; init; }

    /// <summary>In place of a snapshot: the newest of the workload with this name or lineage.</summary>
    public string? Latest { get; init; }

    /// <summary>For a snapshot, as in a restore's request, and so the two below: the place that it is compared with.</summary>
    public string? Into { get; init; }

    public bool Create { get; init; }

    public List<string> Gpus { get; set; } = [];

    /// <summary>As in a checkpoint's request, and so the two below; not for a snapshot.</summary>
    public bool LeaveRunning { get; init; }

    // "set", not "init": generated JSON code assigns every init-only property, and so wipes the default of an absent one.
    public Dictionary<string, string> CriuOptions { get; set; } = [];

    public List<string> Include { get; set; } = [];

    /// <summary>For a snapshot: a configured name, a URL or an absolute path.</summary>
    public string? Repository { get; init; }

    /// <summary>As in a checkpoint's request.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The restore that is asked about.</summary>
    public RestoreRequest Restore(string repository, string keyFile) =>
        new() { Snapshot = Snapshot, Latest = Latest, Repository = repository, KeyFile = keyFile, Into = Into, Create = Create, Gpus = Gpus };

    /// <summary>What the engine is to take into account.</summary>
    public PreflightOptions Options() => new() { LeaveRunning = LeaveRunning, CriuOptions = CriuOptions, Include = Include };
}
