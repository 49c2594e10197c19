using System.CommandLine;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Verbs;

namespace Checkpointer.Cli;

/// <summary>From arguments to exit code: parses, shows help, runs the verb, and tells its error. Throws nothing.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CliHost host)
    {
        var debug = GlobalOptions.IsDebug(host.Environment);
        var json = false;
        var role = WorkloadRole.None;
        try
        {
            var tree = new CommandTree(host.Environment);
            var parse = tree.Parse(arguments);
            var verb = parse.CommandResult.Command as Verb;
            role = verb?.Role ?? WorkloadRole.None;

            // Asked of the tokens, because wrong usage has no values.
            json = arguments.TakeWhile(argument => argument != "--").Contains(tree.Globals.Json.Name);
            if (Shown(tree, parse, verb, host))
            {
                return (int)ExitCode.Done;
            }

            if (arguments.Count == 0)
            {
                RootHelp.Write(tree, host.Err);
                return (int)ExitCode.Usage;
            }

            if (verb is null && parse.GetValue(tree.Version))
            {
                verb = new VersionVerb();
            }
            else if ((UsageErrors.EmptyValue(arguments) ?? UsageErrors.Find(parse)) is { } wrong)
            {
                throw wrong;
            }

            if (verb is null)
            {
                throw new UsageException("usage", "no verb is given", "See 'checkpointer --help'.");
            }

            var settings = tree.Globals.Read(parse, host.Environment);
            if (verb.CatchesSignals)
            {
                host.Interrupts.Listen(isPatient: role != WorkloadRole.None);
                host.Interrupts.Heard = role == WorkloadRole.None
                    ? null
                    : _ => host.Lines.Write("cancelling: everything is put back as it was; please wait");
            }

            return await verb.RunAsync(new VerbContext(host, parse, settings), host.Interrupts.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return ErrorWriter.Write(host, exception, role, json, debug);
        }
        finally
        {
            await host.Out.FlushAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Whether help was asked for; it is shown even where the rest of the line is wrong or unfinished.</summary>
    private static bool Shown(CommandTree tree, ParseResult parse, Verb? verb, CliHost host)
    {
        if (parse.GetResult(tree.Globals.Help) is null or { Implicit: true })
        {
            return false;
        }

        if (verb is null)
        {
            RootHelp.Write(tree, host.Out);
        }
        else
        {
            HelpWriter.Write(verb, tree.Globals, host.Out);
        }

        return true;
    }
}
