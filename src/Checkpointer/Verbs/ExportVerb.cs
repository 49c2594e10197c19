using System.CommandLine;
using Checkpointer.Cli.Completion;
using Checkpointer.Cli.Errors;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine.Images;

namespace Checkpointer.Cli.Verbs;

/// <summary>Writes a snapshot as plain CRIU images.</summary>
internal sealed class ExportVerb : Verb
{
    private readonly Argument<string> _snapshot;

    private readonly Argument<string> _directory = new("DIR")
    {
        HelpName = "DIR",
        Description = "A directory that is empty or does not exist.",
        Arity = ArgumentArity.ExactlyOne,
    };

    public ExportVerb(SnapshotCompletion completion)
        : base("export", "Write a snapshot as a directory of plain CRIU images.")
    {
        _snapshot = SnapshotArgument.Create(completion, required: true);
        Arguments.Add(_snapshot);
        Arguments.Add(_directory);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Writes the images of a snapshot into a directory, decrypted, as 'criu dump' would have: for 'criu restore', crit, or "
                + "a debugger. The directory appears whole or not at all; it and its files can be read by their owner only. Zero pages "
                + "become holes. Memory does not grow with the snapshot.",
            "Beside the images stands checkpointer.json: where they came from, and what 'import' needs to make the same snapshot again. "
                + "Files named state-N and tree-N are contents of files that CRIU does not save; checkpointer.json says where they belong.",
            "The images are the workload's memory in clear. Keep them as safe as the workload's secrets.",
        ],
        Examples =
        [
            new("For stock CRIU:", "checkpointer export 3f9c ./images --repo /srv/checkpoints"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "the directory is there, flushed to the disk"),
            HelpParts.Failed,
            new(ExitCode.Usage, "wrong usage, or the directory is not empty; nothing was written"),
            new(ExitCode.Repository, "no such snapshot, several match, wrong key, damaged, or of a newer format"),
            new(ExitCode.Environment, "no permission, no space, or a place that cannot be written"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "snapshot, directory, files, bytes, bytesWritten, criuArguments",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var repository = await context.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            var id = await repository.ResolveAsync(context.Parse.GetRequiredValue(_snapshot), cancellationToken).ConfigureAwait(false);
            var reader = await repository.OpenSnapshotAsync(id, cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var export = new SnapshotExport(reader, context.Host.Time);
                var result = await context.Progress()
                    .ShowAsync(progress => export.RunAsync(context.Parse.GetRequiredValue(_directory), progress, cancellationToken))
                    .ConfigureAwait(false);
                Tell(context, id.ToString(), result);
            }
        }

        return (int)ExitCode.Done;
    }

    private static void Tell(VerbContext context, string snapshot, ExportResult result)
    {
        if (context.Settings.Json)
        {
            var output = new ExportOutput
            {
                Snapshot = snapshot,
                Directory = result.Directory,
                Files = result.Files,
                Bytes = result.Bytes,
                BytesWritten = result.BytesWritten,
                CriuArguments = result.CriuArguments,
            };
            context.PrintJson(output, CliJson.Default.ExportOutput);
            return;
        }

        context.Print(ErrorText.OneLine(
            $"{result.Directory}: {result.Files} files, {ByteSize.Format(result.Bytes)}, {ByteSize.Format(result.BytesWritten)} written"));
        if (result.CriuArguments.Count > 0)
        {
            context.Explain($"criu {ErrorText.OneLine(string.Join(' ', result.CriuArguments))}");
        }
    }
}
