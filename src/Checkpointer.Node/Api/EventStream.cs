using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Node;

/// <summary>
/// The server-sent events of one operation for one reader: the state now, every phase, the newest progress, the finish.
/// The reader pulls from the operation's state, so a slow one skips progress and costs no memory.
/// </summary>
internal sealed class EventStream(
    HttpContext context, Operation operation, Func<OperationResource, OperationResource> show, TimeProvider time)
{
    /// <summary>A comment after this much silence keeps proxies and readers from giving the connection up.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Ten times a second is as fluent as a terminal needs.</summary>
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationToken _aborted = context.RequestAborted;
    private int _phasesSent;
    private OperationProgress? _progressSent;
    private long _progressAt;
    private long _writtenAt;

    public async Task RunAsync()
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";

        var (state, changed) = operation.Observe();
        await SendAsync(OperationEventTypes.State, state).ConfigureAwait(false);
        (_phasesSent, _progressSent, _progressAt) = (state.Phases.Count, state.Progress, time.GetTimestamp());

        while (!state.IsOver)
        {
            await WaitAsync(state, changed).ConfigureAwait(false);
            (state, changed) = operation.Observe();
            await SendNewsAsync(state).ConfigureAwait(false);
        }

        await SendAsync(OperationEventTypes.Finished, state).ConfigureAwait(false);
    }

    private async Task SendNewsAsync(OperationResource state)
    {
        if (_phasesSent < state.Phases.Count)
        {
            // The phase's event carries the progress as well.
            (_progressSent, _progressAt) = (state.Progress, time.GetTimestamp());
        }

        for (; _phasesSent < state.Phases.Count; _phasesSent++)
        {
            var phase = state.Phases[_phasesSent];
            if (phase.Phase != OperationPhases.Done)
            {
                await SendAsync(OperationEventTypes.Phase, AsOf(state, _phasesSent)).ConfigureAwait(false);
            }
        }

        if (!state.IsOver && !ReferenceEquals(state.Progress, _progressSent) && time.GetElapsedTime(_progressAt) >= ProgressInterval)
        {
            (_progressSent, _progressAt) = (state.Progress, time.GetTimestamp());
            await SendAsync(OperationEventTypes.Progress, state).ConfigureAwait(false);
        }

        if (time.GetElapsedTime(_writtenAt) >= KeepAlive)
        {
            await WriteAsync(": keep-alive\n\n"u8.ToArray()).ConfigureAwait(false);
        }
    }

    /// <summary>A phase that is past already is told as it was when it began: not over, and without what came later.</summary>
    private static OperationResource AsOf(OperationResource state, int phase)
    {
        return phase == state.Phases.Count - 1
            ? state
            : state with
            {
                Phase = state.Phases[phase].Phase,
                Phases = [.. state.Phases.Take(phase + 1)],
                Finished = null,
                Outcome = null,
                Result = null,
                Error = null,
            };
    }

    private async Task WaitAsync(OperationResource state, Task changed)
    {
        var held = !ReferenceEquals(state.Progress, _progressSent);
        var patience = held ? ProgressInterval - time.GetElapsedTime(_progressAt) : KeepAlive - time.GetElapsedTime(_writtenAt);
        if (patience <= TimeSpan.Zero)
        {
            return;
        }

        try
        {
            await changed.WaitAsync(patience, time, _aborted).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Time for held-back progress or a keep-alive.
        }
    }

    private Task SendAsync(string type, OperationResource state)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(Encoding.UTF8.GetBytes($"event: {type}\ndata: "));
        using (var writer = new Utf8JsonWriter(buffer))
        {
            JsonSerializer.Serialize(writer, show(state), NodeJson.Default.OperationResource);
        }

        buffer.Write("\n\n"u8);
        return WriteAsync(buffer.WrittenMemory);
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await context.Response.Body.WriteAsync(bytes, _aborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(_aborted).ConfigureAwait(false);
        _writtenAt = time.GetTimestamp();
    }
}
