namespace Checkpointer.Repository;

/// <summary>How to prune.</summary>
public sealed record PruneOptions
{
    /// <summary>The grace age that is taken where none is given: a day, so that what was deleted by mistake a moment ago can still be looked into.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromHours(24);

    /// <summary>The share of dead bytes, in percent, from which a pack is rewritten where none is given.</summary>
    public const int DefaultMaxDeadPercent = 50;

    /// <summary>Only what was written longer ago, by the store's time, is deleted. Zero is safe too, also beside running checkpoints.</summary>
    public TimeSpan Grace { get; init; } = DefaultGrace;

    /// <summary>Plan only: takes no lease and writes nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Also rewrite packs of which more than <see cref="MaxDeadPercent"/> is dead. Reads every map.</summary>
    public bool Repack { get; init; }

    /// <summary>1 to 99.</summary>
    public int MaxDeadPercent { get; init; } = DefaultMaxDeadPercent;

    /// <summary>How long to wait for another maintenance to end.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>The clock of this machine.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
