using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>A shell pipeline: several small processes that hand numbers to each other through pipes.</summary>
public sealed class PipelineTests
{
    [Fact]
    public async Task A_shell_pipeline_loses_no_number()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var log = Path.Combine(lab.Directory, "count.log");
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "pipeline.out"), "/bin/sh", Path.Combine(Installation.Workloads, "pipeline.sh"), lab.Directory);
        await MustReachAsync(log, 10);

        var snapshot = await lab.CheckpointAsync(pid);
        var last = Lines(log).Length;
        await lab.RestoreAsync(snapshot.Id);

        await MustReachAsync(log, last + 20);
        var expected = 0;
        Assert.All(Lines(log), line => Assert.Equal((++expected).ToString(CultureInfo.InvariantCulture), line));
        Assert.False(File.Exists(Path.Combine(lab.Directory, "bad")), "the pipeline itself saw a wrong number");
    }

    private static Task MustReachAsync(string log, int lines) =>
        Eventually.TrueAsync($"{lines} lines in {log}", TimeSpan.FromSeconds(60), () => Lines(log).Length >= lines);

    /// <summary>Whole lines only: the last one may be half written.</summary>
    private static string[] Lines(string log) => File.Exists(log) ? File.ReadAllText(log).Split('\n')[..^1] : [];
}
