using System.Net;
using System.Text.Json;

namespace Checkpointer.Node.Tests;

public sealed class OperationApiTests
{
    [Fact]
    public async Task A_checkpoint_is_accepted_with_a_location_and_succeeds()
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);

        var body = JsonSerializer.Serialize(NodeFixture.Request() with { Name = "job" }, EngineJson.Default.CheckpointRequest);
        using var response = await http.PostAsync("/v1/checkpoints", NodeFixture.Json(body), node.Deadline);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var id = (await response.JsonAsync()).GetProperty("id").GetString()!;
        Assert.Equal($"/v1/operations/{id}", response.Headers.Location?.ToString());
        var finished = await node.Client.FollowAsync(id, null, node.Deadline);
        Assert.Equal(OperationOutcomes.Succeeded, finished.Outcome);
        Assert.Equal("job", OperationResults.Checkpoint(finished).Name);
        Assert.Equal(OperationPhases.Done, finished.Phase);
        Assert.NotNull(finished.Finished);
    }

    [Fact]
    public async Task Waiting_answers_with_the_finished_operation()
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);

        using var response = await http.PostAsync(
            "/v1/restores?wait=true", NodeFixture.Json("""{"latest":"job","repository":"/r","keyFile":"/k"}"""), node.Deadline);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var operation = await response.JsonAsync();
        Assert.Equal("succeeded", operation.GetProperty("outcome").GetString());
        Assert.Equal(Environment.ProcessId, operation.GetProperty("result").GetProperty("pid").GetInt32());
    }

    [Fact]
    public async Task The_typed_client_gets_typed_results()
    {
        await using var node = await NodeFixture.StartAsync();

        var checkpoint = await node.Client.CheckpointAsync(NodeFixture.Request() with { LeaveRunning = true }, null, node.Deadline);
        var restore = await node.Client.RestoreAsync(
            new RestoreRequest { Snapshot = "0011", Repository = "/r", KeyFile = "/k" }, null, node.Deadline);

        Assert.True(checkpoint.WorkloadRunning);
        Assert.Equal(120, checkpoint.FrozenMs);
        Assert.Equal("0011", restore.Snapshot);
    }

    [Fact]
    public async Task An_error_of_the_engine_reaches_the_client_as_the_exception_it_was()
    {
        var finding = new Finding("io-uring", FindingSeverity.Blocker, "pid 7", "an io_uring", "none", "Do without.");
        Exception[] errors =
        [
            new UsageException("u", "usage", "remedy"),
            new RefusedException("r", "refused") { Findings = [finding] },
            new RepositoryException("wrong-key", "repository") { Workload = WorkloadState.Running },
            new HostException("no-criu", "host") { LogFile = "/log" },
            new OperationFailedException("f", "failed") { Workload = WorkloadState.Gone, SnapshotDurable = true },
            new AttentionException("a", "attention") { Workload = WorkloadState.Unknown },
        ];
        await using var node = await NodeFixture.StartAsync();
        foreach (var error in errors.Cast<CheckpointerException>())
        {
            node.Engine.OnCheckpoint = (_, _, _, _) => Task.FromException<CheckpointResult>(error);

            var seen = await Assert.ThrowsAnyAsync<CheckpointerException>(
                () => node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline));

            Assert.IsType(error.GetType(), seen);
            Assert.Equal(
                (error.Code, error.Message, error.Remedy, error.ExitCode, error.Workload, error.SnapshotDurable, error.LogFile),
                (seen.Code, seen.Message, seen.Remedy, seen.ExitCode, seen.Workload, seen.SnapshotDurable, seen.LogFile));
            Assert.Equal(error is RefusedException ? [finding] : [], seen is RefusedException refused ? refused.Findings : []);
        }
    }

    [Fact]
    public async Task A_defect_in_the_engine_fails_the_operation_and_not_the_service()
    {
        await using var node = await NodeFixture.StartAsync();
        node.Engine.OnCheckpoint = (_, _, _, _) => throw new InvalidOperationException("boom");

        var seen = await Assert.ThrowsAsync<OperationFailedException>(
            () => node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline));

        Assert.Equal("internal-error", seen.Code);
        Assert.Equal(WorkloadState.Unknown, seen.Workload);
        Assert.True(await node.Client.IsReadyAsync(node.Deadline));
        Assert.Equal(0, node.Service<NodeBudget>().Running);
    }

    [Fact]
    public async Task Operations_are_listed_by_age_and_kept_up_to_a_bound()
    {
        await using var node = await NodeFixture.StartAsync();
        List<string> ids = [];
        for (var i = 0; i < OperationHistory.MaxFinished + 10; i++)
        {
            var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
            await node.Client.FollowAsync(operation.Id, null, node.Deadline);
            ids.Add(operation.Id);
        }

        // The last one may still be about to be trimmed; one more that is over makes sure.
        var list = await node.Client.ListOperationsAsync(node.Deadline);

        Assert.InRange(list.Count, OperationHistory.MaxFinished, OperationHistory.MaxFinished + 1);
        Assert.Equal(ids.TakeLast(list.Count), list.Select(o => o.Id));
        var gone = await Assert.ThrowsAsync<UsageException>(() => node.Client.GetOperationAsync(ids[0], node.Deadline));
        Assert.Equal("operation-not-found", gone.Code);
    }

    [Fact]
    public async Task A_snapshot_and_latest_together_are_refused()
    {
        await using var node = await NodeFixture.StartAsync();

        var both = await Assert.ThrowsAsync<UsageException>(() => node.Client.StartRestoreAsync(
            new RestoreRequest { Snapshot = "a", Latest = "b", Repository = "/r", KeyFile = "/k" }, node.Deadline));
        var neither = await Assert.ThrowsAsync<UsageException>(() => node.Client.StartRestoreAsync(
            new RestoreRequest { Repository = "/r", KeyFile = "/k" }, node.Deadline));

        Assert.Equal("bad-request", both.Code);
        Assert.Equal("bad-request", neither.Code);
    }

    [Fact]
    public async Task Streams_that_the_service_cannot_give_are_refused()
    {
        await using var node = await NodeFixture.StartAsync();
        var request = new RestoreRequest { Snapshot = "a", Repository = "/r", KeyFile = "/k" };

        var inherit = await Assert.ThrowsAsync<UsageException>(
            () => node.Client.StartRestoreAsync(request with { Stdin = "inherit" }, node.Deadline));
        var relative = await Assert.ThrowsAsync<UsageException>(
            () => node.Client.StartRestoreAsync(request with { Stdout = "out.txt" }, node.Deadline));

        Assert.Equal("stdin-inherit", inherit.Code);
        Assert.Equal("stdout-relative", relative.Code);
    }

    [Fact]
    public void Names_of_operations_sort_by_time_and_pass_their_own_check()
    {
        var first = OperationId.New(new FixedTime(DateTimeOffset.UnixEpoch.AddYears(50)));
        var second = OperationId.New(new FixedTime(DateTimeOffset.UnixEpoch.AddYears(50).AddMilliseconds(1)));

        Assert.True(string.CompareOrdinal(first, second) < 0);
        Assert.True(OperationId.IsValid(first));
        Assert.Equal(16, first.Length);
        Assert.False(OperationId.IsValid("../etc"));
        Assert.False(OperationId.IsValid(""));
        Assert.False(OperationId.IsValid(new string('a', OperationId.MaxLength + 1)));
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
