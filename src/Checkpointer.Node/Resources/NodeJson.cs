using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Node;

/// <summary>The service's JSON as it is answered, and as clients read it: unknown members are skipped, so that answers may grow.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(OperationResource))]
[JsonSerializable(typeof(OperationList))]
[JsonSerializable(typeof(NodeResource))]
[JsonSerializable(typeof(TreeResource))]
[JsonSerializable(typeof(HealthResource))]
[JsonSerializable(typeof(ErrorResource))]
[JsonSerializable(typeof(PreflightReport))]
[JsonSerializable(typeof(CheckpointResult))]
[JsonSerializable(typeof(RestoreResult))]
[JsonSerializable(typeof(TreeExit))]
public sealed partial class NodeJson : JsonSerializerContext;

/// <summary>
/// The service's JSON as it is asked: an unknown, repeated, missing or null member refuses the request, because a slip
/// (<c>leaveRuning</c>) must not turn into a killed workload.
/// </summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(CheckpointRequest))]
[JsonSerializable(typeof(RestoreRequest))]
[JsonSerializable(typeof(PreflightRequest))]
[JsonSerializable(typeof(SignalRequest))]
internal sealed partial class RequestJson : JsonSerializerContext;
