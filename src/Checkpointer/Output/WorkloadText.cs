using System.Buffers;
using System.Text.Json;

namespace Checkpointer.Cli.Output;

/// <summary>The workload record of a snapshot as it is shown: without the values of a container's environment, which hold passwords often enough.</summary>
internal static class WorkloadText
{
    private const string NotShown = "(not shown)";

    /// <summary>Where the environment stands in a record.</summary>
    private static readonly string[] Environment = ["container", "record", "template", "environment"];

    /// <summary>Null where nothing is recorded.</summary>
    public static JsonElement? WithoutSecrets(JsonElement workload)
    {
        if (workload.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Copy(workload, writer, depth: 0);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    /// <param name="element">What is copied.</param>
    /// <param name="writer">Where to.</param>
    /// <param name="depth">How many names of <see cref="Environment"/> lead here; -1: it lies elsewhere.</param>
    private static void Copy(JsonElement element, Utf8JsonWriter writer, int depth)
    {
        if (element.ValueKind != JsonValueKind.Object || depth < 0)
        {
            element.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        foreach (var member in element.EnumerateObject())
        {
            writer.WritePropertyName(member.Name);
            if (depth == Environment.Length)
            {
                writer.WriteStringValue(NotShown);
            }
            else
            {
                Copy(member.Value, writer, member.NameEquals(Environment[depth]) ? depth + 1 : -1);
            }
        }

        writer.WriteEndObject();
    }
}
