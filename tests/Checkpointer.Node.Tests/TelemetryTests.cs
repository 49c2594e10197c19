using System.Globalization;
using System.Net;
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node.Tests;

/// <summary>
/// Alone: the exporter listens to every meter of its name in the process, so services of other tests would add to the figures.
/// </summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(nameof(AloneCollection))]
public sealed class TelemetryTests
{
    [Fact]
    public async Task Metrics_tell_what_happened()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MemoryBytes = 1L << 30, MaxConcurrent = 1 });
        await node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline);
        var gate = new Gate();
        node.Engine.OnCheckpoint = (_, _, _, _) => throw new HostException("no-criu", "none");
        await Assert.ThrowsAsync<HostException>(() => node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline));
        node.Engine.OnCheckpoint = gate.RunAsync;
        await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await gate.Started.WaitAsync(node.Deadline);
        await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await node.Service<OperationScheduler>().ProbeAsync(node.Deadline);

        var metrics = await ScrapeAsync(node);

        Assert.Equal(3, metrics["checkpointer_operations_started_total{kind=\"checkpoint\"}"]);
        Assert.Equal(1, metrics["checkpointer_operations_finished_total{kind=\"checkpoint\",outcome=\"succeeded\"}"]);
        Assert.Equal(1, metrics["checkpointer_operations_finished_total{kind=\"checkpoint\",outcome=\"failed\"}"]);
        Assert.Equal(0, metrics["checkpointer_operations_finished_total{kind=\"restore\",outcome=\"failed\"}"]);
        Assert.Equal(1000, metrics["checkpointer_captured_bytes_total"]);
        Assert.Equal(300, metrics["checkpointer_stored_bytes_total"]);
        Assert.Equal(1, metrics["checkpointer_frozen_seconds_count"]);
        Assert.Equal(0, metrics["checkpointer_frozen_seconds_bucket{le=\"0.1\"}"]);
        Assert.Equal(1, metrics["checkpointer_frozen_seconds_bucket{le=\"0.25\"}"]);
        Assert.Equal(2, metrics["checkpointer_operation_duration_seconds_count{kind=\"checkpoint\"}"]);
        Assert.Equal(1, metrics["checkpointer_operations_queued"]);
        Assert.Equal(1, metrics["checkpointer_operations_running"]);
        Assert.Equal(512L << 20, metrics["checkpointer_budget_used_bytes"]);
        Assert.Equal(1L << 30, metrics["checkpointer_budget_limit_bytes"]);
        gate.Open();
    }

    [Fact]
    public async Task The_tcp_listener_shows_health_and_metrics_and_nothing_else()
    {
        // Any free port: one that was looked up before could be another's by now.
        await using var node = await NodeFixture.StartAsync(c => c with { MetricsListen = new IPEndPoint(IPAddress.Loopback, 0) });
        var port = node.Host.App.Urls.Select(static url => new Uri(url)).Single(static url => url.Host == "127.0.0.1").Port;
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        foreach (var path in (string[])["/healthz", "/readyz", "/metrics"])
        {
            using var shown = await http.GetAsync(path, node.Deadline);
            Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        }

        foreach (var path in (string[])["/v1/operations", "/v1/node", "/openapi.json", "/healthz/../v1/node", "//v1/node"])
        {
            using var hidden = await http.GetAsync(new Uri($"http://127.0.0.1:{port}{path}"), node.Deadline);
            Assert.Equal(HttpStatusCode.NotFound, hidden.StatusCode);
        }

        using var post = await http.PostAsync("/v1/checkpoints", NodeFixture.Json("{}"), node.Deadline);
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
        Assert.Empty(node.Engine.Calls);
    }

    [Fact]
    public async Task There_is_no_tcp_listener_unless_it_is_configured()
    {
        await using var node = await NodeFixture.StartAsync();

        Assert.Equal([$"http://unix:{node.Socket}"], node.Host.App.Urls);
    }

    [Fact]
    public async Task A_finished_operation_is_one_record_with_the_time_of_each_phase()
    {
        await using var node = await NodeFixture.StartAsync();
        await node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline);

        var record = Assert.Single(node.Log.WithId(EventIds.CheckpointSucceeded));

        Assert.Equal(LogLevel.Information, record.Level);
        Assert.Equal("inspect=5ms dump=100ms total=130ms unaccounted=25ms", record.Fields["Timings"]);
        Assert.Equal((1000L, 300L, 120d), (record.Fields["BytesCaptured"], record.Fields["BytesStored"], record.Fields["FrozenMs"]));
    }

    [Fact]
    public async Task A_failed_operation_is_one_record_with_code_workload_and_phases()
    {
        await using var node = await NodeFixture.StartAsync();
        node.Engine.OnCheckpoint = (_, _, progress, _) =>
        {
            progress!.Report(new OperationProgress { Phase = OperationPhase.Inspect });
            progress.Report(new OperationProgress { Phase = OperationPhase.Dump });
            throw new AttentionException("thaw-failed", "It could not be thawed.") { Workload = WorkloadState.Unknown };
        };
        await Assert.ThrowsAsync<AttentionException>(() => node.Client.CheckpointAsync(NodeFixture.Request(), null, node.Deadline));

        var record = Assert.Single(node.Log.WithId(EventIds.OperationAttention));

        Assert.Equal(LogLevel.Critical, record.Level);
        Assert.Equal("thaw-failed", record.Fields["Code"]);
        Assert.Matches("queued=.*ms starting=.*ms inspect=.*ms dump=.*ms", (string)record.Fields["Timings"]!);
    }

    [Fact]
    public void Event_ids_are_unique()
    {
        var fields = typeof(EventIds).GetFields(BindingFlags.Public | BindingFlags.Static);
        var ids = fields.Select(f => (int)f.GetRawConstantValue()!).ToArray();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    private static async Task<Dictionary<string, double>> ScrapeAsync(NodeFixture node)
    {
        using var http = Http.Over(node.Socket);
        var text = await http.GetStringAsync("/metrics", node.Deadline);
        Dictionary<string, double> result = [];
        foreach (var line in text.Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
        {
            var end = line.IndexOf('}', StringComparison.Ordinal);
            Assert.DoesNotContain("otel_scope", line, StringComparison.Ordinal);
            var space = line.IndexOf(' ', end < 0 ? 0 : end);
            var name = line[..space].Replace("{}", "", StringComparison.Ordinal);
            result[name] = double.Parse(line[(space + 1)..].Split(' ')[0], CultureInfo.InvariantCulture);
        }

        return result;
    }
}
