namespace Checkpointer.Platform;

/// <summary>How cgroups are mounted here.</summary>
public enum CgroupMode
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Version 1 only: a hierarchy for each controller.</summary>
    Legacy,

    /// <summary>Version 1 for the controllers, and a version 2 hierarchy beside them.</summary>
    Hybrid,

    /// <summary>Version 2 only.</summary>
    Unified,
}
