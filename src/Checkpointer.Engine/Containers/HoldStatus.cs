namespace Checkpointer.Engine.Containers;

/// <summary>What a container's PID 1 is to us.</summary>
internal enum HoldState
{
    /// <summary>Not <c>checkpointer-init</c>: the workload itself.</summary>
    None,

    /// <summary>A placeholder that waits for its restore.</summary>
    Waiting,

    /// <summary>A restore into it is under way.</summary>
    Restoring,

    /// <summary>It owns a restored workload.</summary>
    Running,

    /// <summary>Its workload has ended, and it ends too.</summary>
    Ended,
}

/// <summary>The answer of a placeholder's PID 1.</summary>
/// <param name="State">What it does.</param>
/// <param name="Main">While it runs one: the workload's root, as PID 1's own pid namespace counts; else null.</param>
/// <param name="Operation">While a restore is under way: whose.</param>
internal sealed record HoldStatus(HoldState State, int? Main, string? Operation);
