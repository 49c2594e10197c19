using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Repository;

/// <summary>
/// A writer's word to prune: an object <c>locks/writers/ID</c> that exists before the parent is looked at and before the first pack, and until the commit is over.
/// Prune keeps what the map in it names, and everything younger than the oldest intent.
/// </summary>
internal sealed partial class WriterIntent
{
    /// <summary>How long a removal may take: it runs after the work is done, and what stays dies of its age.</summary>
    private static readonly TimeSpan RemoveDeadline = TimeSpan.FromSeconds(10);

    private readonly IBackend _backend;
    private readonly string _name;
    private readonly DateTimeOffset _put;
    private readonly ILogger _logger;

    private WriterIntent(IBackend backend, string name, DateTimeOffset put, ILogger logger)
    {
        _backend = backend;
        _name = name;
        _put = put;
        _logger = logger;
    }

    /// <summary>Puts one; when it returns, every later prune sees it.</summary>
    public static async Task<WriterIntent> PutAsync(
        IBackend backend, KeyRing keys, SnapshotId? target, MapReference? parentMap, ILogger? logger, CancellationToken cancellationToken)
    {
        ObjectId id = ObjectId.New();
        string name = ObjectNames.Intent(id);
        LockHolder self = LockHolder.Self();
        IntentDocument document = new()
        {
            Version = FormatConstants.Version,
            Snapshot = target?.ToString(),
            Map = parentMap is null ? null : ManifestMapping.WriteMap(parentMap),
            Node = self.Node,
            Pid = self.Process?.Pid ?? 0,
            StartTime = self.Process?.StartTime ?? 0,
            BootId = self.Process?.BootId,
            PidNamespace = self.Process?.PidNamespace ?? 0,
        };
        byte[] data = SealedDocument.Make(keys, ObjectKind.Intent, id, JsonSerializer.SerializeToUtf8Bytes(document, RepositoryJson.Default.IntentDocument));

        // Uploads block their thread.
        bool created = await Task.Run(() => backend.Put(name, data, cancellationToken), cancellationToken).ConfigureAwait(false);
        ObjectInfo? info = created ? await backend.StatAsync(name, cancellationToken).ConfigureAwait(false) : null;
        return info is { } there
            ? new WriterIntent(backend, name, there.Modified, logger ?? NullLogger.Instance)
            : throw new RepositoryException(RepositoryCodes.StoreFailed, $"{name} could not be created although its name is new: the store does not do what it says")
            { ObjectName = name };
    }

    /// <summary>
    /// Right before the manifest: is the intent still there, and young enough? The map was put just now, so its time is the store's. Codes intent-lost, writer-too-old.
    /// </summary>
    public async Task VerifyAsync(ObjectId map, CancellationToken cancellationToken)
    {
        string mapName = ObjectNames.Map(map);
        Task<ObjectInfo?> intent = _backend.StatAsync(_name, cancellationToken).AsTask();
        Task<ObjectInfo?> latest = _backend.StatAsync(mapName, cancellationToken).AsTask();
        await Task.WhenAll(intent, latest).ConfigureAwait(false);
        if (await intent.ConfigureAwait(false) is null)
        {
            throw Removed("this snapshot was being written, so a prune may have removed what it reuses; nothing of it is visible");
        }

        ObjectInfo now = await latest.ConfigureAwait(false) ?? throw Damage.Missing(mapName);
        if (now.Modified - _put > TimeSpan.FromHours(FormatConstants.IntentMaxHours))
        {
            throw new RepositoryException(
                RepositoryCodes.WriterTooOld,
                $"this snapshot was begun more than {FormatConstants.IntentMaxHours} hours ago, so a prune may soon take its writer for dead; nothing of it is visible",
                "take the checkpoint again")
            { ObjectName = _name };
        }
    }

    /// <summary>Code intent-lost when somebody removed it.</summary>
    public async Task VerifyStandsAsync(CancellationToken cancellationToken)
    {
        if (await _backend.StatAsync(_name, cancellationToken).ConfigureAwait(false) is null)
        {
            throw Removed("packs were being rewritten; none was deleted since");
        }
    }

    /// <summary>Never throws for a failing store: what stays is dead in a day.</summary>
    public async Task RemoveAsync()
    {
        using CancellationTokenSource deadline = new(RemoveDeadline);
        try
        {
            await _backend.DeleteAsync(_name, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RepositoryException or OperationCanceledException)
        {
            Log.NotRemoved(_logger, _name, e);
        }
    }

    private RepositoryException Removed(string what) =>
        new(RepositoryCodes.IntentLost, $"{_name} was removed while {what}", "try again; 'unlock --all' is for when nothing runs") { ObjectName = _name };

    private static partial class Log
    {
        [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "{Name} could not be removed; prune keeps everything younger than it for a day")]
        public static partial void NotRemoved(ILogger logger, string name, Exception error);
    }
}
