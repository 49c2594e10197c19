namespace Checkpointer.Engine.Compatibility;

/// <summary>Compares what a snapshot needs with what a node offers.</summary>
public static partial class CompatibilityCheck
{
    public static CompatibilityReport Check(Requirement requirement, NodeProfile profile, RestoreTarget target)
    {
        throw new NotSupportedException();
    }
}
