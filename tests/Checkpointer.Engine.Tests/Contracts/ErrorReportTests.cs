using System.Text.Json;

namespace Checkpointer.Engine.Tests.Contracts;

public sealed class ErrorReportTests
{
    [Fact]
    public void What_is_still_usable_is_said()
    {
        var report = ErrorReport.From(new OperationFailedException("stalled", "m", "r")
        {
            Workload = WorkloadState.Running,
            SnapshotDurable = true,
            LogFile = "/l",
        });

        Assert.Equal("running", report.WorkloadState);
        Assert.True(report.WorkloadRunning);
        Assert.True(report.SnapshotDurable);
        Assert.Equal(1, report.ExitCode);
    }

    [Fact]
    public void An_unknown_workload_is_neither_running_nor_gone()
    {
        var report = ErrorReport.From(new AttentionException("not-thawed", "m") { Workload = WorkloadState.Unknown });

        Assert.Null(report.WorkloadRunning);
        Assert.Equal(6, report.ExitCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [InlineData(null)]
    public void Of_an_untouched_workload_it_is_said_whether_it_was_seen(bool? seen)
    {
        var report = ErrorReport.From(new RefusedException("refused", "m") { WorkloadSeen = seen });

        Assert.Equal("untouched", report.WorkloadState);
        Assert.Equal(seen, report.WorkloadRunning);
    }

    [Fact]
    public void A_defect_is_called_one()
    {
        var report = ErrorReport.From(new InvalidOperationException("oops"));

        Assert.Equal("internal-error", report.Code);
        Assert.Null(report.WorkloadRunning);
        Assert.Equal(1, report.ExitCode);
    }

    [Fact]
    public void Requests_with_unknown_members_are_refused() => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(
        """{"pid": 1, "repository": "r", "keyFile": "k", "surprise": 1}""", EngineJson.Default.CheckpointRequest));
}
