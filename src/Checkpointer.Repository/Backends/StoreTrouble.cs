namespace Checkpointer.Repository;

/// <summary>A store that cannot be worked with right now, while its backend still tries: for people who would otherwise wait in silence.</summary>
/// <param name="Place">The store, without a secret.</param>
/// <param name="Reason">What was seen of it.</param>
/// <param name="Left">How long it will still be tried.</param>
public sealed record StoreTrouble(string Place, string Reason, TimeSpan Left)
{
    /// <inheritdoc/>
    public override string ToString() => $"waiting for {Place}: {Reason}; it is tried for another {Durations.Format(TimeSpan.FromSeconds(Math.Max(1, Math.Round(Left.TotalSeconds))))}";
}
