using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Cli.Progress;
using Checkpointer.Cli.Running;
using Checkpointer.Repository;

namespace Checkpointer.Cli;

/// <summary>What one run of a verb works with.</summary>
internal sealed class VerbContext(CliHost host, ParseResult parse, Settings settings)
{
    public CliHost Host => host;

    public ParseResult Parse => parse;

    public Settings Settings => settings;

    /// <summary>A line of the human result. Never called with <c>--json</c>.</summary>
    public void Print(string line) => host.Out.WriteLine(line);

    /// <summary>The one object of <c>--json</c>, on one line.</summary>
    public void PrintJson<T>(T value, JsonTypeInfo<T> type)
    {
        host.Out.WriteLine(JsonSerializer.Serialize(value, type));
        host.Out.Flush();
    }

    /// <summary>An explanation beside the result: standard error, and not with <c>--quiet</c>.</summary>
    public void Explain(string line)
    {
        if (!settings.Quiet)
        {
            host.Lines.Write(line);
        }
    }

    public IProgressDisplay Progress() => ProgressDisplays.For(host, settings);

    /// <summary>Refuses with exit code 5 what only root can do.</summary>
    public void RequireRoot(string what)
    {
        if (!host.IsRoot())
        {
            throw new HostException("not-root", $"{what} needs root", "Run it as root, for example with sudo.");
        }
    }

    /// <summary>The service where it listens, else the engine in this process (after it has recovered what a killed run left).</summary>
    public Task<IRunner> OpenRunnerAsync(bool needsRepository, CancellationToken cancellationToken) =>
        Runners.OpenAsync(this, needsRepository, runtime: null, cancellationToken);

    /// <summary>The same for a verb that may be about a container.</summary>
    public Task<IRunner> OpenRunnerAsync(bool needsRepository, Option<string> runtime, CancellationToken cancellationToken) =>
        Runners.OpenAsync(this, needsRepository, runtime, cancellationToken);

    /// <summary>A store; while it does not work for the moment, that is explained.</summary>
    public IBackend OpenBackend(string place) => RepositoryUrl.Open(place, trouble => Explain($"warning: {trouble}"));

    /// <summary>Opens the repository in this process, as the verbs that only read or delete do.</summary>
    public async Task<CheckpointRepository> OpenRepositoryAsync(CancellationToken cancellationToken)
    {
        var backend = OpenBackend(settings.RequireRepository());
        return await CheckpointRepository.OpenAsync(backend, () => settings.Key.Load(host), cancellationToken).ConfigureAwait(false);
    }
}
