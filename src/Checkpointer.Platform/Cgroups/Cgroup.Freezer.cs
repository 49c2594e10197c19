namespace Checkpointer.Platform;

public sealed partial class Cgroup
{
    /// <summary>Pause between looks at a cgroup that is being frozen.</summary>
    private static readonly TimeSpan FreezeStep = TimeSpan.FromMilliseconds(5);

    /// <summary>The directory whose switch <see cref="Freeze"/> uses (version 1's freezer, or version 2's); null when it has none.</summary>
    public string? FreezerDirectory => Path.GetDirectoryName(Version1States().FirstOrDefault() ?? Version2Switches().FirstOrDefault());

    /// <summary>All files by which it is thawed: <c>freezer.state</c> of version 1 (write <c>THAWED</c>), <c>cgroup.freeze</c> of version 2 (write <c>0</c>).</summary>
    public IReadOnlyList<string> FreezerSwitches => [.. Version1States(), .. Version2Switches()];

    /// <summary>True when it is frozen, or asked to be, in some hierarchy; also by a parent.</summary>
    public bool IsFrozen => Version1States().Any(file => ProcText.TryRead(file)?.Trim() is "FROZEN" or "FREEZING")
        || Version2Switches().Any(file => CgroupFile.ReadNumber(file) == 1 || IsFrozenByEvents(file));

    /// <summary>
    /// Stops all of its tasks. False when they did not stop in time (a task in an uninterruptible wait): then, and after
    /// a failure or cancellation, it is thawed again.
    /// </summary>
    public bool Freeze(TimeSpan timeout, CancellationToken cancellationToken)
    {
        Deadline deadline = Deadline.After(timeout);
        bool frozen = false;
        try
        {
            // One freezer is enough; in hybrid mode it is version 1's where that has one.
            string? state = Version1States().FirstOrDefault();
            string? toggle = Version2Switches().FirstOrDefault();
            if (state is null && toggle is null)
            {
                throw new HostException("no-freezer", $"The cgroup {Name} cannot be frozen.", "Mount the freezer or version 2 hierarchy.");
            }

            CgroupFile.Write(state ?? toggle!, state is null ? "1" : "FROZEN");
            while (!(frozen = HasStopped(state, toggle)) && !deadline.IsOver)
            {
                cancellationToken.WaitHandle.WaitOne(FreezeStep);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            if (!frozen)
            {
                Thaw();
            }
        }

        return frozen;
    }

    /// <summary>
    /// Lets its tasks run, whoever froze them. Harmless when they run, when the cgroup is gone, or has no freezer.
    /// A cgroup that is frozen by a parent stays so.
    /// </summary>
    public void Thaw()
    {
        foreach (string file in Version1States())
        {
            CgroupFile.Write(file, "THAWED");
        }

        foreach (string file in Version2Switches())
        {
            CgroupFile.Write(file, "0");
        }
    }

    private static bool HasStopped(string? state, string? toggle) => state is not null
        ? ProcText.TryRead(state)?.Trim() == "FROZEN"
        : IsFrozenByEvents(toggle!);

    private static bool IsFrozenByEvents(string toggle) => CgroupFile.ReadKey(Path.Combine(Path.GetDirectoryName(toggle)!, "cgroup.events"), "frozen") == 1;

    private IEnumerable<string> Version1States() => _places
        .Where(place => place.Hierarchy.HasController("freezer"))
        .Select(place => $"{place.Directory}/freezer.state")
        .Where(CgroupFile.Exists); // the root has none

    private IEnumerable<string> Version2Switches() => _places
        .Where(place => place.Hierarchy.IsUnified)
        .Select(place => $"{place.Directory}/cgroup.freeze")
        .Where(CgroupFile.Exists);
}
