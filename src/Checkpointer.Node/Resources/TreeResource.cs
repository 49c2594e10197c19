namespace Checkpointer.Node;

/// <summary>A restored process tree, named by the operation that restored it.</summary>
public sealed record TreeResource
{
    public required string Operation { get; init; }

    public required bool Running { get; init; }

    /// <summary>How its root ended, null while it runs.</summary>
    public TreeExit? Exit { get; init; }
}
