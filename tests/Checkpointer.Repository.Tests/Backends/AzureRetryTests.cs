using System.Collections.Concurrent;
using System.Net.Sockets;
using Azure;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>For how long requests are repeated, and what people hear of it meanwhile; by a clock of the test's own.</summary>
public sealed class AzureRetryTests : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<(TimeSpan At, StoreTrouble Trouble)> _told = new();
    private readonly DateTimeOffset _start;
    private readonly AzureClients _clients;
    private readonly AzureRetry _retry;

    public AzureRetryTests()
    {
        _start = _time.GetUtcNow();
        AzurePlace place = AzureUrl.Parse("azurite://127.0.0.1:9/data", static _ => null);
        AzureOptions options = new() { Time = _time, Trouble = t => _told.Enqueue((Elapsed, t)) };
        _clients = new AzureClients(place, options);
        _retry = new AzureRetry(
            new AzureErrors(place.Describe(), place.ContainerName, _clients, _time), options, new StoreTroubles(place.Describe(), options));
    }

    private TimeSpan Elapsed => _time.GetUtcNow() - _start;

    public void Dispose() => _clients.Dispose();

    [Fact]
    public async Task A_store_that_was_never_seen_and_refuses_connections_is_given_up_within_seconds()
    {
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => RunAsync((_, _) => throw Refused()));
        Assert.Equal(RepositoryCodes.StoreUnreachable, e.Code);
        Assert.Contains("nothing listens", e.Message, StringComparison.Ordinal);
        Assert.InRange(Elapsed, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_store_that_answered_before_may_start_anew_and_people_hear_of_the_wait()
    {
        await RunAsync(static (_, _) => Task.FromResult(true));
        await Assert.ThrowsAsync<RepositoryException>(() => RunAsync((_, _) => throw Refused()));
        Assert.InRange(Elapsed, TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(125));
        (TimeSpan at, StoreTrouble first) = _told.First();
        Assert.InRange(at, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(5));
        Assert.Contains("refused", first.Reason, StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("waiting for azurite://127.0.0.1:9/data: ", first.ToString(), StringComparison.Ordinal);
        Assert.InRange(first.Left, TimeSpan.FromSeconds(115), TimeSpan.FromSeconds(120));
        Assert.InRange(_told.Count, 4, 7);
        Assert.True(_told.Last().Trouble.Left < first.Left - TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task An_answer_that_is_an_error_shows_that_the_store_is_there()
    {
        int attempts = 0;
        Assert.True(await RunAsync((_, _) => ++attempts switch
        {
            1 => throw new RequestFailedException(503, "busy", "ServerBusy", null),
            < 8 => throw Refused(),
            _ => Task.FromResult(true),
        }));
        Assert.True(Elapsed > TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_failure_in_passing_is_nobodys_concern()
    {
        int attempts = 0;
        Assert.True(await RunAsync((_, _) => ++attempts < 3 ? throw new RequestFailedException(500, "x") : Task.FromResult(true)));
        Assert.Empty(_told);
    }

    [Fact]
    public async Task Silence_is_told_within_five_seconds_while_the_attempt_goes_on()
    {
        int attempts = 0;
        await RunAsync(async (watch, _) =>
        {
            if (++attempts == 1)
            {
                TaskCompletionSource never = new();
                using CancellationTokenRegistration end = watch.Token.Register(() => never.TrySetCanceled(watch.Token));
                await never.Task.ConfigureAwait(false);
            }

            return true;
        });
        (TimeSpan at, StoreTrouble trouble) = Assert.Single(_told);
        Assert.InRange(at, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));
        Assert.Equal(AzureErrors.NoAnswer, trouble.Reason);
        Assert.Equal(2, attempts);
    }

    [Fact]
    public async Task A_slow_transfer_that_moves_is_no_trouble()
    {
        await RunAsync(async (watch, _) =>
        {
            for (int i = 0; i < 30; i++)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), _time, watch.Token).ConfigureAwait(false);
                watch.Report(i);
            }

            return true;
        });
        Assert.Empty(_told);
    }

    private static RequestFailedException Refused() =>
        new(0, "x", null, new HttpRequestException("Connection refused (127.0.0.1:9)", new SocketException((int)SocketError.ConnectionRefused)));

    /// <summary>
    /// Everything here waits for the test's clock alone, and what waits goes on inside of <see cref="FakeTimeProvider.Advance"/>, on the one thread: nothing is raced.
    /// </summary>
    private Task<bool> RunAsync(Func<StallWatch, bool, Task<bool>> attempt) => Task.Run(async () =>
    {
        Task<bool> run = _retry.RunAsync("maps/1", attempt, CancellationToken.None);
        for (TimeSpan spent = TimeSpan.Zero; !run.IsCompleted && spent < Limit; spent += Step)
        {
            _time.Advance(Step);
        }

        Assert.True(run.IsCompleted, $"not over after {Limit}");
        return await run;
    });
}
