using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Checkpointer.Node.Client;

/// <summary>Turns an operation that is over into its typed result, or into the exception that its error stands for.</summary>
public static class OperationResults
{
    public static CheckpointResult Checkpoint(OperationResource operation)
    {
        return Read(operation, OperationKinds.Checkpoint, NodeJson.Default.CheckpointResult);
    }

    public static RestoreResult Restore(OperationResource operation)
    {
        return Read(operation, OperationKinds.Restore, NodeJson.Default.RestoreResult);
    }

    private static T Read<T>(OperationResource operation, string kind, JsonTypeInfo<T> type)
    {
        if (operation.Kind != kind)
        {
            throw new UsageException("wrong-kind", $"Operation {operation.Id} is a {operation.Kind}, not a {kind}.");
        }

        if (operation.Error is not null)
        {
            throw ErrorTranslation.ToException(operation.Error);
        }

        return operation.Result is { } result && result.Deserialize(type) is { } value
            ? value
            : throw new UsageException("operation-not-over", $"Operation {operation.Id} is not over yet.", "Follow it to its end first.");
    }
}
