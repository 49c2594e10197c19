using System.CommandLine;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Running;
using Checkpointer.Node;

namespace Checkpointer.Cli.Verbs;

/// <summary>Runs the node service.</summary>
internal sealed class NodeVerb : Verb
{
    private readonly Option<string> _config = OptionKinds.Text(
        "--config",
        "F",
        $"The configuration file (default: {NodeConfiguration.DefaultPath} where it exists).",
        "--config /etc/checkpointer/checkpointer.json");

    public NodeVerb()
        : base("node", "Run the node service, or show this node.")
    {
        Options.Add(_config);
        Subcommands.Add(new NodeShowVerb());
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Runs the node service in the foreground until SIGTERM: it does checkpoints and restores for the other verbs, one budget "
                + "for all, "
                + "and first recovers what a killed run left behind. systemd starts it from deploy/checkpointer.service.",
            "Everything is set in the configuration file; --socket replaces the socket that is written there.",
            "Killing or restarting the service never touches a restored workload. Needs root.",
        ],
        Examples =
        [
            new("With the usual configuration:", "checkpointer node"),
            new("A second service on the same machine, for trying things out:", "checkpointer node --config ./b.json"),
            new("What this node offers:", "checkpointer node show"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "stopped as asked"),
            HelpParts.Failed,
            new(ExitCode.Usage, "wrong usage, or an error in the configuration file"),
            new(ExitCode.Environment, "not root, or the socket is in use"),
        ],
        Globals = ["--socket"],
        Environment = [HelpParts.Debug],
    };

    public override bool CatchesSignals => false;

    public override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        context.RequireRoot("node");
        var path = context.Parse.GetValue(_config) ?? (File.Exists(NodeConfiguration.DefaultPath) ? NodeConfiguration.DefaultPath : null);
        var configuration = path is null ? new NodeConfiguration() : NodeConfigurationFile.Load(path);
        if (context.Parse.GetValue<string>("--socket") is not null)
        {
            // The option only: a variable that is meant for clients must not move a service away from its configuration.
            configuration = configuration with { Socket = context.Settings.Socket };
        }

        return NodeService.RunAsync(configuration, Engines.Create, cancellationToken);
    }
}
