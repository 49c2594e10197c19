namespace Checkpointer.Engine.Criu;

/// <summary>One usable CRIU on this machine.</summary>
/// <param name="Path">Absolute path of the executable.</param>
/// <param name="Version">What <c>criu --version</c> says, at least <see cref="CriuLocator.MinimumVersion"/>.</param>
/// <param name="GitId">The commit that it was built from, or empty where a distribution left it out.</param>
public sealed record CriuInstallation(string Path, Version Version, string GitId);
