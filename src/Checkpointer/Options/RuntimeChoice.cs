using System.CommandLine;
using Checkpointer.Node;

namespace Checkpointer.Cli;

/// <summary>Which container runtime is meant: the option wins over the variable, that over the node service's configuration.</summary>
internal static class RuntimeChoice
{
    /// <summary>For each verb that concerns containers.</summary>
    public static Option<string> NewOption() => OptionKinds.Text(
        "--runtime-endpoint",
        "E",
        "The container runtime's socket (default: the first usual one that answers).",
        "--runtime-endpoint /run/containerd/containerd.sock");

    /// <summary>The settings with the runtime that is meant; where nobody named one they name none.</summary>
    public static Settings Apply(VerbContext context, Option<string> option)
    {
        if ((context.Parse.GetValue(option) ?? context.Settings.RuntimeEndpoint) is { } named)
        {
            return context.Settings with { RuntimeEndpoint = named, RuntimeEndpointGiven = true };
        }

        var file = context.Host.ConfigurationFile;
        return File.Exists(file) ? context.Settings with { RuntimeEndpoint = NodeConfigurationFile.Load(file).RuntimeEndpoint } : context.Settings;
    }
}
