namespace Checkpointer.Cli.Help;

/// <summary>The first page: what this is, the three steps, and all verbs.</summary>
internal static class RootHelp
{
    private static readonly string[] Description =
    [
        "Snapshots a running process tree without its cooperation, straight into an encrypted repository, and restores it later, "
            + "here or on another node, as if nothing had happened. A workload is ended only when its snapshot is durable; "
            + "until then every failure ends with the workload running on.",
    ];

    private static readonly HelpExample[] Steps =
    [
        new("1. Make a repository, once:", "checkpointer init --repo /srv/checkpoints"),
        new(
            "2. Snapshot a process and its children (here the one with process id 4711):",
            "checkpointer checkpoint --pid 4711 --name training --repo /srv/checkpoints"),
        new(
            "3. Let it go on, here or on any node with the repository and its key file:",
            "checkpointer restore --latest training --repo /srv/checkpoints"),
    ];

    private static readonly HelpExit[] ExitCodes =
    [
        HelpParts.Done,
        HelpParts.Failed,
        HelpParts.Usage,
        new(ExitCode.Refused, "refused by preflight or compatibility findings; nothing was touched"),
        new(ExitCode.Repository, "repository: not found, wrong key, damaged, or of a newer format"),
        new(ExitCode.Environment, "no privileges, or CRIU or the kernel lack what is needed"),
        new(ExitCode.Attention, "ATTENTION: the workload's state is unknown or it could not be thawed"),
        new(ExitCode.Cancelled, "cancelled; the workload runs"),
    ];

    public static void Write(CommandTree tree, TextWriter writer)
    {
        writer.WriteLine("checkpointer - checkpoint a running process and restore it elsewhere");
        HelpWriter.Section(writer, "USAGE");
        writer.WriteLine("  checkpointer VERB [OPTION]...");
        HelpWriter.Section(writer, "DESCRIPTION");
        HelpWriter.Paragraphs(writer, Description);
        HelpWriter.Section(writer, "THREE STEPS (as root)");
        HelpWriter.Examples(writer, Steps);
        HelpWriter.Section(writer, "VERBS");
        foreach (var verb in tree.Verbs)
        {
            HelpWriter.Row(writer, verb.Name, verb.Description ?? "", HelpWriter.OptionColumn);
        }

        HelpWriter.Options(writer, "GLOBAL OPTIONS", [.. tree.Globals.All, tree.Version]);
        HelpWriter.Section(writer, "EXIT CODES");
        foreach (var exit in ExitCodes)
        {
            HelpWriter.ExitRow(writer, exit);
        }

        HelpWriter.Variables(writer, HelpParts.AllVariables);
        writer.WriteLine();
        writer.WriteLine("'checkpointer VERB --help' explains a verb, with examples.");
    }
}
