using System.Reflection;
using System.Runtime.InteropServices;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>version --json</c>.</summary>
internal sealed record VersionOutput
{
    public required string Version { get; init; }

    /// <summary>The commit it was built from; null where the build did not know.</summary>
    public string? Commit { get; init; }

    public required string Runtime { get; init; }

    public required string Architecture { get; init; }

    public static VersionOutput Current()
    {
        var informational = typeof(VersionOutput).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "unknown";
        var parts = informational.Split('+', 2);
        return new VersionOutput
        {
            Version = parts[0],
            Commit = parts.Length > 1 ? parts[1] : null,
            Runtime = RuntimeInformation.FrameworkDescription,
            Architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
        };
    }
}
