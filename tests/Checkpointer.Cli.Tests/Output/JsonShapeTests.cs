using System.Text.Json;
using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Output;

/// <summary>The objects that scripts rely on, field by field. A field may be added here; none may go or change its kind.</summary>
public sealed class JsonShapeTests
{
    [Fact]
    public async Task Checkpoint()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x", "--json"));
        var json = cli.Json();
        Assert.Equal(
            ("snapshot lineage generation name parent bytesCaptured bytesStored bytesReused durable workloadRunning frozenMs criuFrozenMs timings "
                + "findings operation").Split(' ').Order(),
            Names(json));
        Assert.Equal(Samples.Snapshot, json.GetProperty("snapshot").GetString());
        Assert.Equal(Samples.Lineage, json.GetProperty("lineage").GetString());
        Assert.Equal(3, json.GetProperty("generation").GetInt64());
        Assert.Equal("training", json.GetProperty("name").GetString());
        Assert.Equal(Samples.Lineage + "-2", json.GetProperty("parent").GetString());
        Assert.Equal(3L << 30, json.GetProperty("bytesCaptured").GetInt64());
        Assert.Equal(1L << 30, json.GetProperty("bytesStored").GetInt64());
        Assert.Equal(1L << 29, json.GetProperty("bytesReused").GetInt64());
        Assert.True(json.GetProperty("durable").GetBoolean());
        Assert.False(json.GetProperty("workloadRunning").GetBoolean());
        Assert.Equal(1234.5, json.GetProperty("frozenMs").GetDouble());
        Assert.Equal(1200, json.GetProperty("criuFrozenMs").GetDouble());
        Assert.Equal(100, json.GetProperty("timings").GetProperty("unaccounted").GetDouble());
        AssertFinding(json.GetProperty("findings")[0]);
    }

    [Fact]
    public async Task A_checkpoint_without_name_and_parent_has_the_fields_all_the_same()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => Task.FromResult(Samples.Checkpoint with { Name = null, Parent = null });
        await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x", "--json");
        Assert.Equal(JsonValueKind.Null, cli.Json().GetProperty("name").ValueKind);
        Assert.Equal(JsonValueKind.Null, cli.Json().GetProperty("parent").ValueKind);
    }

    [Fact]
    public async Task Restore()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--json"));
        var json = cli.Json();
        Assert.Equal("snapshot pid log bytesFetched fetchRequests timings findings operation".Split(' ').Order(), Names(json));
        Assert.Equal(Samples.Snapshot, json.GetProperty("snapshot").GetString());
        Assert.Equal(815, json.GetProperty("pid").GetInt32());
        Assert.EndsWith("output.log", json.GetProperty("log").GetString(), StringComparison.Ordinal);
        Assert.Equal(300L << 20, json.GetProperty("bytesFetched").GetInt64());
        Assert.Equal(75, json.GetProperty("fetchRequests").GetInt64());
        Assert.Equal(800, json.GetProperty("timings").GetProperty("restore").GetDouble());
        Assert.Equal(0, json.GetProperty("findings").GetArrayLength());
    }

    [Fact]
    public async Task Preflight()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("preflight", "--pid", "4711", "--json"));
        var json = cli.Json();
        Assert.Equal("subject refuses processes estimatedBytes parent findings".Split(' ').Order(), Names(json));
        Assert.False(json.GetProperty("refuses").GetBoolean());
        AssertFinding(json.GetProperty("findings")[0]);
    }

    [Fact]
    public async Task Error()
    {
        using var cli = new TestCli();
        cli.Embedded.OnCheckpoint = (_, _, _) => throw Samples.Error("refused");
        Assert.Equal(3, await cli.RunAsync("checkpoint", "--pid", "4711", "--repo", "/srv/x", "--json"));
        Assert.Equal(["error"], Names(cli.Json()));
        var error = cli.Json().GetProperty("error");
        Assert.Equal(
            "code message remedy workloadState workloadRunning snapshotDurable logFile exitCode findings".Split(' ').Order(), Names(error));
        Assert.Equal(3, error.GetProperty("findings").GetArrayLength());
        AssertFinding(error.GetProperty("findings")[0]);
    }

    [Fact]
    public async Task Version()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("version", "--json"));
        Assert.Equal("version commit runtime architecture".Split(' ').Order(), Names(cli.Json()));
    }

    [Theory]
    [InlineData(FindingSeverity.Note, "note")]
    [InlineData(FindingSeverity.Overridable, "overridable")]
    [InlineData(FindingSeverity.Blocker, "blocker")]
    public async Task A_severity_is_written_in_small_letters(FindingSeverity severity, string text)
    {
        using var cli = new TestCli();
        cli.Embedded.OnPreflight = _ => Task.FromResult(Samples.Preflight with { Findings = [Samples.Note with { Severity = severity }] });
        await cli.RunAsync("preflight", "--pid", "4711", "--json");
        Assert.Equal(text, cli.Json().GetProperty("findings")[0].GetProperty("severity").GetString());
    }

    internal static IEnumerable<string> Names(JsonElement json) => json.EnumerateObject().Select(property => property.Name).Order();

    internal static void AssertFinding(JsonElement finding)
    {
        Assert.Equal("code severity subject found needed remedy".Split(' ').Order(), Names(finding));
    }
}
