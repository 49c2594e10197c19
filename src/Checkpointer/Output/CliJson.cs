using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Output;

/// <summary>
/// The JSON of the verbs' own objects. It only grows: scripts rely on every field. The engine's results
/// have <see cref="EngineJson"/>.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ErrorOutput))]
[JsonSerializable(typeof(InitOutput))]
[JsonSerializable(typeof(CopyOutput))]
[JsonSerializable(typeof(ExportOutput))]
[JsonSerializable(typeof(ImportOutput))]
[JsonSerializable(typeof(KeyListOutput))]
[JsonSerializable(typeof(KeyChangeOutput))]
[JsonSerializable(typeof(ListOutput))]
[JsonSerializable(typeof(ShowOutput))]
[JsonSerializable(typeof(DeleteOutput))]
[JsonSerializable(typeof(CheckOutput))]
[JsonSerializable(typeof(PruneOutput))]
[JsonSerializable(typeof(RetainOutput))]
[JsonSerializable(typeof(StatsOutput))]
[JsonSerializable(typeof(UnlockOutput))]
[JsonSerializable(typeof(ValidationOutput))]
[JsonSerializable(typeof(OperationsOutput))]
[JsonSerializable(typeof(ContainersOutput))]
[JsonSerializable(typeof(NodeOutput))]
[JsonSerializable(typeof(VersionOutput))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>Every error with <c>--json</c>.</summary>
internal sealed record ErrorOutput
{
    public required ErrorReport Error { get; init; }
}

/// <summary>The shape of <c>init --json</c>.</summary>
internal sealed record InitOutput
{
    public required string Repository { get; init; }

    /// <summary>32 hex digits.</summary>
    public required string Id { get; init; }

    /// <summary>Empty where a passphrase opens the repository.</summary>
    public required string KeyFile { get; init; }

    public required string KeyId { get; init; }

    /// <summary>Whether this run made the key file; otherwise it was there.</summary>
    public required bool KeyCreated { get; init; }
}

/// <summary>The shape of <c>delete --json</c>.</summary>
internal sealed record DeleteOutput
{
    public required string Snapshot { get; init; }

    public required bool Deleted { get; init; }
}

/// <summary>The shape of <c>operations --json</c>.</summary>
internal sealed record OperationsOutput
{
    public required IReadOnlyList<OperationResource> Operations { get; init; }
}
