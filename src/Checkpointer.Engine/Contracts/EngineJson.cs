using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Engine;

/// <summary>The JSON of everything that scripts, the service and the journal exchange: camelCase, generated at build, no reflection.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CheckpointRequest))]
[JsonSerializable(typeof(CheckpointResult))]
[JsonSerializable(typeof(RestoreRequest))]
[JsonSerializable(typeof(RestoreResult))]
[JsonSerializable(typeof(PreflightReport))]
[JsonSerializable(typeof(RecoveryReport))]
[JsonSerializable(typeof(OperationProgress))]
[JsonSerializable(typeof(TreeExit))]
[JsonSerializable(typeof(ErrorReport))]
public sealed partial class EngineJson : JsonSerializerContext;
