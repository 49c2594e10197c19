using System.CommandLine.Completions;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Completion;

/// <summary>Offers the snapshots and names of the repository that the half-typed line (or the environment) names.</summary>
internal sealed class SnapshotCompletion(GlobalOptions globals, Func<string, string?> environment)
{
    /// <summary>A person waits behind the Tab key; a slow store offers nothing instead.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    /// <summary>More than a screen does not help to choose.</summary>
    private const int MaxItems = 200;

    public IEnumerable<CompletionItem> Ids(CompletionContext context)
    {
        return List(context)
            .OrderByDescending(snapshot => snapshot.Content.Created)
            .Take(MaxItems)
            .Select(snapshot => new CompletionItem(snapshot.Id.ToString(), detail: Describe(snapshot)));
    }

    public IEnumerable<CompletionItem> Names(CompletionContext context)
    {
        return List(context)
            .Where(snapshot => snapshot.Content.Name is not null)
            .GroupBy(snapshot => snapshot.Content.Name!, StringComparer.Ordinal)
            .Take(MaxItems)
            .Select(
                group => new CompletionItem(
                    group.Key, detail: Describe(group.OrderByDescending(snapshot => snapshot.Content.Created).First())));
    }

    private static string Describe(SnapshotInfo info)
    {
        return $"{info.Content.Name ?? info.Content.Node}, {Texts.Time(info.Content.Created)}, {ByteSize.Format(info.BytesCaptured)}";
    }

    private IEnumerable<SnapshotInfo> List(CompletionContext context)
    {
        var settings = globals.Read(context.ParseResult, environment);
        if (settings.Repository is null || settings.Key.File is not { } key)
        {
            return [];
        }

        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            // The parser's completion is synchronous; nothing else runs in this process.
            var all = Task.Run(() => ListAsync(settings, key, deadline.Token)).WaitAsync(deadline.Token).GetAwaiter().GetResult();
            return all.Where(snapshot => snapshot.Damage is null);
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException or IOException or UnauthorizedAccessException)
        {
            // A repository that cannot be read now has nothing to offer, and a Tab key is no place for an error.
            return [];
        }
    }

    private static async Task<IReadOnlyList<SnapshotInfo>> ListAsync(
        Settings settings, KeyReference key, CancellationToken cancellationToken)
    {
        var backend = RepositoryUrl.Open(settings.RequireRepository());
        var repository = await CheckpointRepository.OpenAsync(backend, key.Load, cancellationToken)
            .ConfigureAwait(false);
        await using (repository.ConfigureAwait(false))
        {
            return await repository.ListAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
