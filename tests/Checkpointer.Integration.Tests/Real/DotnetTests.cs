namespace Checkpointer.Integration.Tests;

/// <summary>A .NET program with threads, a timer and a heap that is churned, collected and checked.</summary>
public sealed class DotnetTests
{
    [Fact]
    public async Task A_dotnet_program_keeps_its_heap_its_threads_and_its_timer()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var status = Path.Combine(lab.Directory, "status");
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "heap.out"), Installation.NeedProgram("dotnet"), Installation.HeapProgram, lab.Directory, "48");
        await LineStatus.MustGrowAsync(status, "collections", TimeSpan.FromSeconds(30));

        // --force: .NET reserves far more address space than there is memory, which the verdict names.
        var snapshot = await lab.CheckpointAsync(pid, "--force");
        var last = LineStatus.Read(status)!;
        await lab.RestoreAsync(snapshot.Id, "--force");

        foreach (var value in new[] { "count", "ticks", "collections", "checks" })
        {
            var now = await LineStatus.MustGrowAsync(status, value, TimeSpan.FromSeconds(20));
            Assert.Equal(0, now.Number("errors"));
            Assert.True(now.Number(value) > last.Number(value), $"{value} fell from {last[value]} to {now[value]}");
        }
    }
}
