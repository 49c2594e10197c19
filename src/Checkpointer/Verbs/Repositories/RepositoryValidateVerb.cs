using System.CommandLine;
using System.Globalization;
using Checkpointer.Cli.Help;
using Checkpointer.Cli.Output;
using Checkpointer.Engine;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>Puts what a repository relies on to the test in a real store.</summary>
internal sealed class RepositoryValidateVerb : Verb
{
    private readonly Argument<string?> _place = new("URL")
    {
        HelpName = "URL",
        Description = "The place; default: the repository of --repo.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _size = OptionKinds.Text(
        "--size", "SIZE", "Bytes of the throughput test, each way (default 128M).", "--size 1G");

    public RepositoryValidateVerb()
        : base("validate", "Test whether a place is fit for a repository.")
    {
        Arguments.Add(_place);
        Options.Add(_size);
    }

    public override HelpPage Page { get; } = new()
    {
        Description =
        [
            "Writes, reads, lists and deletes objects of its own in the place, and finds out whether it keeps what a repository relies on: "
                + "objects are created once and never overwritten, appear whole or not at all, are listed at once, are read in ranges, "
                + "and leases have one holder. Also compares clocks and measures the throughput both ways.",
            "There need be no repository yet; one that is there is not touched, and no key is needed. Everything that was written lies "
                + "below validate/ and locks/ and is removed at the end, with the folders that were made for it.",
        ],
        Examples =
        [
            new("A container of Azure Blob Storage:", "checkpointer repository validate https://account.blob.core.windows.net/checkpoints"),
            new("A mounted share, with more data:", "checkpointer repository validate /mnt/share/checkpoints --size 2G"),
        ],
        ExitCodes =
        [
            new(ExitCode.Done, "the place is fit"),
            HelpParts.Failed,
            HelpParts.Usage,
            new(ExitCode.Repository, "it is not, or it cannot be used at all"),
            HelpParts.Cancelled,
        ],
        Globals = HelpParts.RepositoryGlobals,
        Environment = HelpParts.RepositoryVariables,
        Json = "place, passed, clockDriftSeconds, uploadBytesPerSecond, downloadBytesPerSecond, checks (name, passed, detail, seconds, remedy)",
    };

    public override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var place = context.Parse.GetValue(_place) ?? context.Settings.RequireRepository();
        var bytes = context.Parse.GetValue(_size) is { } text ? ByteSize.Parse(text) : StoreValidation.DefaultBytes;
        if (bytes <= 0)
        {
            throw new UsageException("usage", "--size must be more than nothing", "Leave it out, or write for example --size 1G.");
        }

        var backend = context.OpenBackend(place);
        await using (backend.ConfigureAwait(false))
        {
            var report = await context.Progress()
                .ShowAsync(progress => StoreValidation.RunAsync(
                    backend, bytes, context.Host.Time, name => progress.Report(new OperationProgress { Phase = name }), cancellationToken))
                .ConfigureAwait(false);
            Tell(context, report);
            return (int)(report.Passed ? ExitCode.Done : ExitCode.Repository);
        }
    }

    private static void Tell(VerbContext context, ValidationReport report)
    {
        if (context.Settings.Json)
        {
            context.PrintJson(ValidationOutput.From(report), CliJson.Default.ValidationOutput);
            return;
        }

        context.Print(report.Place);
        var width = report.Checks.Max(c => c.Name.Length);
        foreach (var check in report.Checks)
        {
            var seconds = check.Seconds.ToString("0.00", CultureInfo.InvariantCulture);
            context.Print($"  {(check.Passed ? "ok    " : "FAILED")}  {check.Name.PadRight(width)}  {seconds,7} s  {check.Detail}");
            if (check is { Passed: false, Remedy: { } remedy })
            {
                context.Print($"          {remedy}");
            }
        }

        context.Print(report.Passed ? "fit for a repository" : "NOT fit for a repository");
    }
}
