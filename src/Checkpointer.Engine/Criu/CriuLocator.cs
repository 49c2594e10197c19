namespace Checkpointer.Engine.Criu;

/// <summary>Finds a usable CRIU.</summary>
public static partial class CriuLocator
{
    /// <summary>Older versions cannot stream on current kernels, or cannot dump inet sockets there.</summary>
    public static readonly Version MinimumVersion = new(4, 2);

    /// <summary>The CRIU that is named, or the first of the usual places that is new enough.</summary>
    /// <exception cref="HostException">Codes <c>no-criu</c>, <c>criu-too-old</c>, <c>criu-broken</c>.</exception>
    public static Task<CriuInstallation> FindAsync(string? explicitPath, CancellationToken cancellationToken)
    {
        throw new NotSupportedException();
    }
}
