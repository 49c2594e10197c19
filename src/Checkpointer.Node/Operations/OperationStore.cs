using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>
/// Operations on disk, a file each, so that a service that is started again still tells of them: as they were taken in, and as they
/// ended. They are a convenience: one that cannot be written or read is logged, and nothing else depends on it.
/// </summary>
internal sealed class OperationStore(NodeConfiguration configuration, ILogger<OperationStore> logger)
{
    /// <summary>An operation is about 2 KiB; many findings make it more. Bytes.</summary>
    private const int MaxFileBytes = 1 << 20;

    private readonly string _directory = Path.Combine(configuration.StateDirectory, "history");

    public void Save(OperationResource operation)
    {
        Try(operation.Id, () =>
        {
            Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var stored = new StoredOperation { Operation = operation };
            DurableFile.Create(PathOf(operation.Id), JsonSerializer.SerializeToUtf8Bytes(stored, HistoryJson.Default.StoredOperation), createOnly: false);
        });
    }

    public void Forget(string id) => Try(id, () => File.Delete(PathOf(id)));

    /// <summary>The newest operations, oldest first; older ones and what is left of them are removed.</summary>
    public IReadOnlyList<OperationResource> Load(int most)
    {
        if (!Directory.Exists(_directory))
        {
            return [];
        }

        // Names begin with the time, so they sort by age.
        var names = Directory.EnumerateFiles(_directory, "*.json").Select(Path.GetFileNameWithoutExtension).OfType<string>()
            .Where(OperationId.IsValid).Order(StringComparer.Ordinal).ToList();
        foreach (var old in names.SkipLast(most))
        {
            Forget(old);
        }

        List<OperationResource> loaded = [];
        foreach (var name in names.TakeLast(most))
        {
            Try(name, () => loaded.Add(Read(name)));
        }

        return loaded;
    }

    private OperationResource Read(string id)
    {
        var path = PathOf(id);
        var length = new FileInfo(path).Length;
        if (length > MaxFileBytes)
        {
            throw new InvalidDataException($"{path} has {length} bytes");
        }

        var stored = JsonSerializer.Deserialize(File.ReadAllBytes(path), HistoryJson.Default.StoredOperation);
        return stored is { Version: StoredOperation.CurrentVersion } && stored.Operation.Id == id
            ? stored.Operation
            : throw new InvalidDataException($"{path} is no operation of a version that is known here");
    }

    private void Try(string id, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidDataException or CheckpointerException)
        {
            NodeLog.HistoryFailed(logger, e, id);
        }
    }

    private string PathOf(string id) => Path.Combine(_directory, id + ".json");
}

/// <summary>The file of one operation.</summary>
internal sealed record StoredOperation
{
    /// <summary>The version that this code writes and reads.</summary>
    public const int CurrentVersion = 1;

    public int Version { get; set; } = CurrentVersion;

    public required OperationResource Operation { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(StoredOperation))]
internal sealed partial class HistoryJson : JsonSerializerContext;
