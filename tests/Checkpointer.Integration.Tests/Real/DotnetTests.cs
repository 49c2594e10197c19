namespace Checkpointer.Integration.Tests;

/// <summary>A .NET program with threads, a timer and a heap that is churned, collected and checked.</summary>
public sealed class DotnetTests
{
    [Fact]
    public async Task A_dotnet_program_keeps_its_heap_its_threads_and_its_timer()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        // Of the program's own accord it would reserve 256 GiB, which a restore can only map with vm.overcommit_memory=1.
        lab.Environment["DOTNET_GCHeapHardLimit"] = "0x20000000";
        var pid = await StartAsync(lab);

        var snapshot = await lab.CheckpointAsync(pid);
        var last = LineStatus.Read(StatusOf(lab))!;
        await lab.RestoreAsync(snapshot.Id);

        foreach (var value in new[] { "count", "ticks", "collections", "checks" })
        {
            var now = await LineStatus.MustGrowAsync(StatusOf(lab), value, TimeSpan.FromSeconds(60));
            Assert.Equal(0, now.Number("errors"));
            Assert.True(now.Number(value) > last.Number(value), $"{value} fell from {last[value]} to {now[value]}");
        }
    }

    [Fact]
    public async Task Reserves_that_could_not_be_mapped_again_are_a_finding_before_anything_is_touched()
    {
        if ((await File.ReadAllTextAsync("/proc/sys/vm/overcommit_memory", TestContext.Current.CancellationToken)).Trim() == "1")
        {
            Assert.Skip("vm.overcommit_memory is 1 here: nothing to refuse");
        }

        await using var lab = await Lab.CreateWithRepositoryAsync();
        var pid = await StartAsync(lab);
        var outcome = await lab.CheckpointerAsync("checkpoint", "--pid", $"{pid}", "--embedded", "--json");
        outcome.MustExit(3);
        var findings = outcome.Json.GetProperty("error").GetProperty("findings").EnumerateArray();
        Assert.Contains(findings, finding => finding.GetProperty("code").GetString() == "overcommit-needed");
        await LineStatus.MustGrowAsync(StatusOf(lab), "count", TimeSpan.FromSeconds(60));
    }

    private static string StatusOf(Lab lab) => Path.Combine(lab.Directory, "status");

    private static async Task<int> StartAsync(Lab lab)
    {
        var pid = await lab.StartAsync(
            Path.Combine(lab.Directory, "heap.out"), Installation.NeedProgram("dotnet"), Installation.HeapProgram, lab.Directory, "48");
        await LineStatus.MustGrowAsync(StatusOf(lab), "collections", TimeSpan.FromMinutes(3));
        return pid;
    }
}
