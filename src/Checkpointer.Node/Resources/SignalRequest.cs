namespace Checkpointer.Node;

/// <summary>A signal for the root of a restored tree, by its number.</summary>
public sealed record SignalRequest
{
    public required int Signal { get; init; }
}
