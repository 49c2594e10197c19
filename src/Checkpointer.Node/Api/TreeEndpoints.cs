using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>/v1/trees: restored process trees. They belong to their checkpointer-init, not to the service, and outlive it.</summary>
internal sealed class TreeEndpoints(IEngine engine, TimeProvider time)
{
    /// <summary>Asking the tree's owner takes a millisecond; a busy machine gets some more before "it runs" is assumed.</summary>
    private static readonly TimeSpan GlanceTimeout = TimeSpan.FromMilliseconds(250);

    private const int DefaultWaitSeconds = 30;

    /// <summary>Longest round of a long poll. Clients ask again.</summary>
    private const int MaxWaitSeconds = 300;

    /// <summary>Linux has signals 1 to 64.</summary>
    private const int MaxSignal = 64;

    public Task GetAsync(HttpContext context) => AnswerAsync(context, GlanceTimeout);

    /// <summary>Answers when the root has ended, or after <c>?timeout=</c> seconds with <c>running: true</c>.</summary>
    public Task WaitAsync(HttpContext context)
    {
        var text = context.Request.Query["timeout"].ToString();
        var seconds = DefaultWaitSeconds;
        if (text.Length > 0
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) || seconds is < 1 or > MaxWaitSeconds))
        {
            throw new UsageException("bad-request", $"'timeout' is a number of seconds from 1 to {MaxWaitSeconds}.");
        }

        return AnswerAsync(context, TimeSpan.FromSeconds(seconds));
    }

    public async Task SignalAsync(HttpContext context)
    {
        var operation = Named(context);
        var request = await RequestReader.ReadAsync(context, RequestReader.Signal).ConfigureAwait(false);
        if (request.Signal is < 1 or > MaxSignal)
        {
            throw new UsageException("bad-request", $"A signal is a number from 1 to {MaxSignal}.");
        }

        await engine.SignalTreeAsync(operation, request.Signal, context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task AnswerAsync(HttpContext context, TimeSpan patience)
    {
        var operation = Named(context);
        var exit = await ExitAsync(operation, patience, context.RequestAborted).ConfigureAwait(false);
        var tree = new TreeResource { Operation = operation, Running = exit is null, Exit = exit };
        await Answers.WriteAsync(context, StatusCodes.Status200OK, tree, NodeJson.Default.TreeResource).ConfigureAwait(false);
    }

    private async Task<TreeExit?> ExitAsync(string operation, TimeSpan patience, CancellationToken aborted)
    {
        using var timeout = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, aborted);
        try
        {
            return await engine.WaitForTreeAsync(operation, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or OperationCancelledException
            && timeout.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>The name becomes part of a path in the engine, so only what looks like an operation's name gets there.</summary>
    private static string Named(HttpContext context)
    {
        var name = context.Request.RouteValues["operation"] as string;
        return OperationId.IsValid(name)
            ? name!
            : throw new UsageException(
                "tree-not-found", "There is no such restored tree here.", "It is named by the operation that restored it.");
    }
}
