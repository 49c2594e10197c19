using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>/v1/checkpoints, /v1/restores and /v1/operations.</summary>
internal sealed class OperationEndpoints(
    OperationFactory factory,
    OperationScheduler scheduler,
    OperationHistory history,
    OperationPresenter presenter,
    ServiceState state,
    TimeProvider time)
{
    public async Task CheckpointAsync(HttpContext context)
    {
        state.ThrowUnlessReady();
        var request = await RequestReader.ReadAsync(context, RequestReader.Checkpoint).ConfigureAwait(false);
        await StartAsync(context, factory.Checkpoint(request, PeerMiddleware.PeerOf(context))).ConfigureAwait(false);
    }

    public async Task RestoreAsync(HttpContext context)
    {
        state.ThrowUnlessReady();
        var request = await RequestReader.ReadAsync(context, RequestReader.Restore).ConfigureAwait(false);
        await StartAsync(context, factory.Restore(request)).ConfigureAwait(false);
    }

    public Task ListAsync(HttpContext context)
    {
        var caller = PeerMiddleware.PeerOf(context);
        var list = new OperationList([.. history.List().Select(o => presenter.Show(o, caller))]);
        return Answers.WriteAsync(context, StatusCodes.Status200OK, list, NodeJson.Default.OperationList);
    }

    public Task GetAsync(HttpContext context)
    {
        return AnswerAsync(context, StatusCodes.Status200OK, Named(context).State);
    }

    /// <summary>202: it is being cancelled, the events say when that is over. 200: it was over before.</summary>
    public Task CancelAsync(HttpContext context)
    {
        var operation = Named(context);
        var asked = scheduler.Cancel(operation);
        return AnswerAsync(context, asked ? StatusCodes.Status202Accepted : StatusCodes.Status200OK, operation.State);
    }

    public Task EventsAsync(HttpContext context)
    {
        var caller = PeerMiddleware.PeerOf(context);
        return new EventStream(context, Named(context), o => presenter.Show(o, caller), time).RunAsync();
    }

    private async Task StartAsync(HttpContext context, Operation operation)
    {
        var wait = Wants(context, "wait");
        scheduler.Submit(operation);
        context.Response.Headers.Location = $"/v1/operations/{operation.Id}";
        if (!wait)
        {
            await AnswerAsync(context, StatusCodes.Status202Accepted, operation.State).ConfigureAwait(false);
            return;
        }

        // A caller that goes away while it waits does not take the operation with it: DELETE cancels.
        var finished = await operation.WaitAsync(context.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(context, StatusCodes.Status200OK, finished).ConfigureAwait(false);
    }

    private Task AnswerAsync(HttpContext context, int status, OperationResource operation)
    {
        var shown = presenter.Show(operation, PeerMiddleware.PeerOf(context));
        return Answers.WriteAsync(context, status, shown, NodeJson.Default.OperationResource);
    }

    private Operation Named(HttpContext context) => history.Get(context.Request.RouteValues["id"] as string ?? "");

    private static bool Wants(HttpContext context, string flag)
    {
        return context.Request.Query[flag].ToString() switch
        {
            "" or "false" => false,
            "true" => true,
            var other => throw new UsageException("bad-request", $"'{flag}' is true or false, not '{other}'."),
        };
    }
}
