using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>Turns every exception of a handler into an error body, and logs those that are not the caller's doing.</summary>
internal sealed class ErrorMiddleware(RequestDelegate next, ILogger<ErrorMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone. Whatever it asked for goes on; nobody is left to answer.
        }
        catch (Exception e)
        {
            if (context.Response.HasStarted)
            {
                // Too late for an error body: cutting the connection is the only honest answer.
                NodeLog.RequestFailed(logger, context.Request.Method, context.Request.Path, e);
                context.Abort();
                return;
            }

            await AnswerAsync(context, e).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception exception)
    {
        if (exception is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
        {
            exception = new UsageException("request-too-large", $"A request's body has at most {RequestReader.MaxBodyBytes} bytes.");
        }
        else if (exception is BadHttpRequestException)
        {
            exception = new UsageException("bad-request", exception.Message, null, exception);
        }

        if (exception is not CheckpointerException)
        {
            NodeLog.RequestFailed(logger, context.Request.Method, context.Request.Path, exception);
        }

        await Answers.ErrorAsync(context, exception).ConfigureAwait(false);
    }
}
