using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>
/// Reads the JSON body of a request; whatever is wrong with it is a <see cref="UsageException"/> (code <c>bad-request</c>).
/// </summary>
internal static class RequestReader
{
    /// <summary>Bytes. A request has some hundred; long lists of labels and included paths fit many times.</summary>
    public const int MaxBodyBytes = 256 << 10;

    private static readonly JsonSerializerOptions Options = new(RequestJson.Default.Options)
    {
        TypeInfoResolver = RequestJson.Default.WithAddedModifier(LetConfigurationFillIn),
    };

    public static JsonTypeInfo<CheckpointRequest> Checkpoint { get; } = Of<CheckpointRequest>();

    public static JsonTypeInfo<RestoreRequest> Restore { get; } = Of<RestoreRequest>();

    public static JsonTypeInfo<PreflightRequest> Preflight { get; } = Of<PreflightRequest>();

    public static JsonTypeInfo<SignalRequest> Signal { get; } = Of<SignalRequest>();

    public static JsonTypeInfo TypeInfo(Type request) => Options.GetTypeInfo(request);
    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted).ConfigureAwait(false)
                ?? throw new JsonException("The body is null.");
        }
        catch (JsonException e)
        {
            throw new UsageException(
                "bad-request", $"The request's body was not understood: {e.Message}", "/openapi.json describes every request.", e);
        }
    }

    private static JsonTypeInfo<T> Of<T>() => (JsonTypeInfo<T>)TypeInfo(typeof(T));

    /// <summary>The engine needs a repository and a key file; a caller may leave both to the service's configuration.</summary>
    private static void LetConfigurationFillIn(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.Name is "repository" or "keyFile")
            {
                property.IsRequired = false;
            }
        }
    }
}
