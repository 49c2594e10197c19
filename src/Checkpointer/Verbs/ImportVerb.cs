using System.CommandLine;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine.Images;

namespace Checkpointer.Cli.Verbs;

/// <summary>Makes a snapshot of a directory of CRIU images.</summary>
internal sealed class ImportVerb : Verb
{
    private readonly Argument<string> _directory = new("DIR")
    {
        HelpName = "DIR",
        Description = "The directory with the images.",
        Arity = ArgumentArity.ExactlyOne,
    };

    private readonly Option<string> _name = OptionKinds.Text("--name", "S", "A name for the snapshot.", "--name training");
    private readonly Option<Dictionary<string, string>> _labels = OptionKinds.Pairs(
        "--label", "A label, stored with the snapshot; repeatable.", "--label team=vision");

    public ImportVerb()
        : base("import", "Make a snapshot of a directory of CRIU images.")
    {
        Arguments.Add(_directory);
        Options.Add(_name);
        Options.Add(_labels);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Makes a snapshot of the images that 'criu dump' or 'checkpointer export' wrote; 'restore' runs it like any other. "
                + "It begins a lineage of its own. The directory is only read.",
            "Images of 'criu dump' tell pids, architecture and memory. Processor flags, kernel, files and standard streams they do not "
                + "tell, so 'restore' checks less, and says so. Images of an export bring along what the checkpoint recorded, "
                + "and its name, unless another workload of the repository bears it: then --name is needed.",
        ],
        Examples =
        [
            new("What stock CRIU dumped:", "checkpointer import ./images --name training --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "the snapshot is durable"),
            HelpParts.Failed,
            new(ExitCode.Usage, "wrong usage, or the directory holds no images that can be imported"),
            HelpParts.RepositoryTrouble,
            new(ExitCode.Environment, "no permission"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "snapshot, lineage, generation, name, files, bytesCaptured, bytesStored, described, skipped, findings",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var import = new ImageImport(repository, context.Host.Time);
            var result = await context.Progress()
                .ShowAsync(progress => import.RunAsync(
                    context.Parse.GetRequiredValue(_directory),
                    context.Parse.GetValue(_name),
                    context.Parse.GetValue(_labels) ?? [],
                    progress,
                    cancellationToken))
                .ConfigureAwait(false);
            Tell(context, result);
        }

        return (int)ExitCode.Done;
    }

    private static void Tell(VerbContext context, ImportResult result)
    {
        var info = result.Snapshot;
        if (context.Settings.Json)
        {
            var output = new ImportOutput
            {
                Snapshot = info.Id.ToString(),
                Lineage = info.Id.Lineage.ToString(),
                Generation = info.Id.Generation,
                Name = info.Content.Name,
                Files = info.Files,
                BytesCaptured = info.BytesCaptured,
                BytesStored = info.BytesStored,
                Described = result.Described,
                Skipped = result.Skipped,
                Findings = result.Findings,
            };
            context.PrintJson(output, CliJson.Default.ImportOutput);
            return;
        }

        context.Print(context.Settings.Quiet
            ? info.Id.ToString()
            : $"{info.Id}: {info.Files} files, {ByteSize.Format(info.BytesCaptured)} as {ByteSize.Format(info.BytesStored)}");
        if (result.Skipped.Count > 0)
        {
            context.Explain(ErrorText.OneLine($"left out: {string.Join(' ', result.Skipped)}"));
        }

        foreach (var line in FindingText.Lines(result.Findings))
        {
            context.Explain(line);
        }
    }
}
