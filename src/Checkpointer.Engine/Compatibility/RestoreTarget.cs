namespace Checkpointer.Engine.Compatibility;

/// <summary>Where a restore would go, and what travels with the snapshot anyway.</summary>
public sealed record RestoreTarget
{
    /// <summary>Root directory under which the recorded paths are looked up.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Paths whose contents come with the snapshot: they need not be present.</summary>
    public IReadOnlySet<string> Carried { get; init; } = new HashSet<string>();
}

/// <summary>The answer of a compatibility check.</summary>
/// <param name="Verdict">The findings.</param>
/// <param name="NeedsPidNamespace">A pid of the tree is taken here, or it had its own pid namespace: restore into a fresh one.</param>
public sealed record CompatibilityReport(Verdict Verdict, bool NeedsPidNamespace);
