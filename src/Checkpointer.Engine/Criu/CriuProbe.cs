namespace Checkpointer.Engine.Criu;

/// <summary>CRIU as a preflight sees it: what is wrong with it is a finding, beside all the others, and not the end of the look.</summary>
/// <param name="Criu">The one that would be used; null when there is none that can be.</param>
/// <param name="Findings">What is wrong: <c>no-criu</c>, <c>criu-too-old</c>, <c>criu-broken</c>.</param>
internal sealed record CriuProbe(CriuInstallation? Criu, IReadOnlyList<Finding> Findings)
{
    /// <summary>Looks for a CRIU that can be used.</summary>
    public static async Task<CriuProbe> LookAsync(string? explicitPath, CancellationToken cancellationToken)
    {
        try
        {
            return new CriuProbe(await CriuLocator.FindAsync(explicitPath, cancellationToken).ConfigureAwait(false), []);
        }
        catch (HostException unusable)
        {
            return new CriuProbe(null, [Describe(unusable)]);
        }
    }

    /// <summary>What is wrong with CRIU itself, or what it cannot do here that these options need.</summary>
    public async Task<IReadOnlyList<Finding>> LackingAsync(TreeOptions options, CancellationToken cancellationToken)
    {
        if (Criu is null)
        {
            return Findings;
        }

        try
        {
            return await CriuFeatures.MissingAsync(Criu, options, cancellationToken).ConfigureAwait(false);
        }
        catch (HostException broken)
        {
            return [Describe(broken)];
        }
    }

    private static Finding Describe(HostException unusable) => new(
        unusable.Code, FindingSeverity.Blocker, "CRIU", unusable.Message, $"CRIU {CriuLocator.MinimumVersion} or newer", unusable.Remedy ?? "");
}
