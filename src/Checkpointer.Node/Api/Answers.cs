using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>Writes answers, good and bad.</summary>
internal static class Answers
{
    public static async Task WriteAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    public static Task ErrorAsync(HttpContext context, Exception exception)
    {
        var report = ErrorReport.From(exception);
        var status = StatusOf(report);
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        return WriteAsync(context, status, new ErrorResource(report), NodeJson.Default.ErrorResource);
    }

    /// <summary>The status is a coarse hint; the code and the exit code in the body are what counts.</summary>
    public static int StatusOf(ErrorReport report) => report.Code switch
    {
        "request-too-large" => StatusCodes.Status413PayloadTooLarge,
        "peer-refused" => StatusCodes.Status403Forbidden,
        "route-not-found" => StatusCodes.Status404NotFound,
        _ when report.Code.EndsWith("-not-found", StringComparison.Ordinal) => StatusCodes.Status404NotFound,
        _ => (ExitCode)report.ExitCode switch
        {
            ExitCode.Usage => StatusCodes.Status400BadRequest,
            ExitCode.Refused or ExitCode.Cancelled => StatusCodes.Status409Conflict,
            ExitCode.Repository => StatusCodes.Status502BadGateway,
            ExitCode.Environment => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        },
    };
}
